"""What happened on the newest day and why, in sentences, before any chart. Pure: from the extract to words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipelines.report.labels import JOINERS, parts, term, words
from pipelines.report.telling import count, decimal, difference, isolated, money, percent, points_of, records, relative

# Names told in a sentence before it says "and more".
NAMES_TOLD = 3
FINDINGS_TOLD = 5
# Where each finding of the diagnosis can be seen.
FINDING_CHARTS = {
    "late_pickup": "experience_indicators",
    "late_delivery": "experience_indicators",
    "faulty_product": "goods_quadrant",
    "leaky_audience": "audience_stock",
}
# A move to a class that sells more is good news.
CLASS_RANK = {"no_sales": 0, "potential": 1, "traffic": 2, "profit": 2, "core": 3}
HEALTH = ("deep_share", "up_rate_1", "up_rate_2", "up_rate_3", "up_rate_4")
# The feeds that each indicator of the experience score is measured from, beside orders.
MEASURED_FROM = {
    "bad_review_rate": "reviews",
    "quality_return_rate": "refunds",
    "damage_return_rate": "refunds",
    "review_hours": "refunds",
    "help_rate": "refunds",
    "reply_seconds": "service_sessions",
    "complaint_rate": "service_sessions",
    "dissatisfied_rate": "service_sessions",
}


@dataclass
class Paragraph:
    """What is told of one topic. `tone` is up, down, warn or flat; `chart` the chart that shows it."""

    topic: str
    label: str
    chart: str
    tone: str = "flat"
    text: list[tuple[str, bool]] = field(default_factory=list)


@dataclass(frozen=True)
class Figure:
    """One number of the strip under the title: label, value, what it is compared with, direction, chart."""

    label: str
    value: str
    unit: str
    note: str
    tone: str
    chart: str


class Story:
    """The morning of one shop in one language."""

    def __init__(self, page: dict[str, Any], shop: str, language: str) -> None:
        self.page = page
        self.shop = page["shops"][shop]
        self.language = language
        self.words = words(language)["story"]
        self.last = self.shop["days"] - 1

    def told(self) -> list[Paragraph]:
        """One paragraph a topic, in the order a morning asks; what is wrong comes first, if anything is."""
        topics = (
            ("diagnosis", "experience_indicators"),
            ("trade", "trade_trend"),
            ("score", "score_trend"),
            ("audience", "audience_flow"),
            ("goods", "goods_quadrant"),
            ("experience", "experience_indicators"),
            ("campaign", "campaigns"),
            ("data", "books"),
        )
        told = []
        for topic, chart in topics:
            paragraph = Paragraph(topic, self.words["topic"][topic], chart)
            getattr(self, topic)(paragraph)
            if paragraph.text:
                told.append(paragraph)
        return told

    def figures(self) -> list[Figure]:
        """The strip of numbers; what the marts cannot say is a dash with the reason."""
        frame = words(self.language)["page"]["figure"]
        paid, before = self.at("shop_daily", "paid_amount"), self.at("shop_daily", "paid_amount", back=7)
        buyers, buyers_before = self.at("shop_daily", "buyers"), self.at("shop_daily", "buyers", back=7)
        asset, asset_before = self.asset(0), self.asset(7)
        score, score_change = self.newest_score()
        experience = self.at("experience_score_daily", "experience_10")
        experience_change = self.at("experience_score_daily", "score_change")
        repeat = self.at("repurchase_daily", "repurchase_rate_30d")
        repeat_before = self.at("repurchase_daily", "repurchase_rate_30d", back=7)
        yuan = "元" if self.language == "zh" else "yuan"
        people = "人" if self.language == "zh" else ""
        points = "分" if self.language == "zh" else ""
        last_week, last_day = frame["against_week"], frame["against_day"]
        return [
            self.figure(frame["paid"], money(paid), yuan, relative(paid, before), last_week, "trade_trend"),
            self.figure(
                frame["buyers"], count(buyers), people, relative(buyers, buyers_before), last_week, "trade_trend"
            ),
            self.figure(frame["score"], decimal(score, 1), points, points_of(score_change, 1), last_day, "score_trend"),
            self.figure(
                frame["asset"], count(asset), people, relative(asset, asset_before), last_week, "audience_stock"
            ),
            self.figure(
                frame["experience"], decimal(experience, 2), points, points_of(experience_change, 2), last_day,
                "experience_gauge",
            ),
            self.figure(
                frame["repurchase"], percent(repeat), "", points_of(difference(repeat, repeat_before, 100), 1, "pp"),
                last_week, "repurchase_trend",
            ),
        ]  # fmt: skip

    def figure(
        self, label: str, value: str | None, unit: str, change: tuple[str, str] | None, against: str, chart: str
    ) -> Figure:
        """One number with its change; a dash and the word for it where there is none."""
        frame = words(self.language)["page"]["figure"]
        if value is None:
            return Figure(label, "—", "", frame["none"], "flat", chart)
        if change is None:
            return Figure(label, value, unit, frame["no_compare"], "flat", chart)
        tone, text = change
        if self.language == "zh":
            text = text.replace("pp", " 个百分点")
        note = f"{against} {text}" if self.language == "zh" else f"{text} {against}"
        return Figure(label, value, unit, note, tone, chart)

    # ---- the paragraphs

    def diagnosis(self, told: Paragraph) -> None:
        """Each finding with its day and its figures; nothing where nothing is wrong."""
        findings = records(self.shop["list"]["diagnosis"])
        products = self.shop["names"]["product"]
        for row in findings[:FINDINGS_TOLD]:
            shown = count if row["finding"] == "leaky_audience" else percent
            self.say(
                told, "diagnosis", row["finding"], since=row["since"],
                name=isolated(products.get(row["subject_id"], row["subject_id"])),
                value=shown(row["value"]) or "—", reference=shown(row["reference"]) or "—",
            )  # fmt: skip
        if findings:
            told.tone = "warn"
            told.chart = FINDING_CHARTS[findings[0]["finding"]]
        if len(findings) > FINDINGS_TOLD:
            self.say(told, "diagnosis", "more", count=str(len(findings) - FINDINGS_TOLD))

    def trade(self, told: Paragraph) -> None:
        """Paid, buyers, against last week's day, and which factor did it."""
        paid = self.at("shop_daily", "paid_amount")
        if not paid:
            self.say(told, "trade", "none")
            if before := self.last_paid_day():
                self.say(told, "trade", "last_paid", day=before)
            told.tone = "warn"
        else:
            buyers = self.at("shop_daily", "buyers")
            self.say(
                told, "trade", "paid" if buyers is not None else "paid_nameless",
                paid=self.yuan(paid), net=self.yuan(self.at("shop_daily", "net_amount")), buyers=count(buyers) or "",
                orders=count(self.at("shop_daily", "orders")) or "",
            )  # fmt: skip
            if self.at("shop_daily", "refund_by_pay_date") is None:
                self.say(told, "trade", "no_refunds")
        before = self.at("shop_daily", "paid_amount", back=7)
        if not before:
            self.say(told, "trade", "wow_none")
            return
        ratio = (paid or 0) / before - 1
        told.tone = "up" if ratio > 0.005 else "down" if ratio < -0.005 else "flat"
        self.say(told, "trade", "wow", change=self.change(ratio))
        factor = self.why()
        if factor and told.tone != "flat":
            self.say(told, "trade", f"why_{factor[0]}", change=self.change(factor[1]))
        else:
            self.say(told, "trade", "stop")
        buyers, new = self.at("shop_daily", "buyers"), self.at("shop_daily", "new_buyers")
        if buyers and new is not None:
            self.say(told, "trade", "new_buyers", share=percent(new / buyers) or "")

    def last_paid_day(self) -> str | None:
        """The last day before the newest one on which something was paid, as far back as the page goes."""
        paid = self.shop["daily"].get("shop_daily", {}).get("", {}).get("paid_amount") or []
        found = [index for index, value in enumerate(paid[: self.last]) if value]
        return (date.fromisoformat(self.shop["first"]) + timedelta(days=found[-1])).isoformat() if found else None

    def why(self) -> tuple[str, float] | None:
        """The factor of paid = clicks × conversion × amount per buyer that moved most, in logs, with its change."""
        now, then = self.factors(0), self.factors(7)
        moved = {name: math.log(now[name] / then[name]) for name in now if name in then}
        total = sum(moved.values())
        pulling = {name: part for name, part in moved.items() if part * total > 0}
        if not pulling:
            return None
        name = max(pulling, key=lambda key: abs(pulling[key]))
        return name, math.exp(pulling[name]) - 1

    def factors(self, back: int) -> dict[str, float]:
        """Clicks, conversion and amount per buyer of a day; buyers alone where clicks are unknown."""
        paid, buyers = self.at("shop_daily", "paid_amount", back=back), self.at("shop_daily", "buyers", back=back)
        clicks = self.at("shop_daily", "product_click_users", back=back)
        other = self.at("shop_daily", "product_click_users", back=7 - back)
        if not paid or not buyers:
            return {}
        if clicks and other:
            return {"clicks": clicks, "conversion": buyers / clicks, "basket": paid / buyers}
        return {"buyers": buyers, "basket": paid / buyers}

    def score(self, told: Paragraph) -> None:
        """The day's score and its biggest mover, or why there is none; the last full month beside it."""
        days = self.shop["score"].get("day")
        if not days:
            self.say(told, "score", "absent")
            return
        score, change = self.newest_score()
        mover = days["biggest_mover"][-1]
        if score is None:
            self.say(told, "score", "none", coverage=decimal(days["coverage"][-1], 0) or "0")
            lacking = [name for name, series in days["indicators"].items() if series.get("points", [None])[-1] is None]
            # Where nothing was scored the names say no more.
            if 0 < len(lacking) < len(days["indicators"]):
                self.say(
                    told, "score", "lacking", names=self.listed(term(self.language, "indicator", n) for n in lacking)
                )
            if not any(value is not None for value in days["score_100"]):
                self.say(told, "score", "cold")
            told.tone = "warn"
        else:
            self.say(told, "score", "value", score=decimal(score, 1) or "")
            if change is None:
                self.say(told, "score", "first")
            elif not mover or abs(change) < 0.05:
                self.say(told, "score", "same")
            else:
                told.tone = "up" if change > 0 else "down"
                part = days["indicators"].get(mover, {}).get("contribution", [None])[-1]
                self.say(
                    told, "score", "change", change=self.change(change, f"{abs(change):.1f}"),
                    mover=term(self.language, "indicator", mover), part=f"{part:+.1f}" if part is not None else "—",
                )  # fmt: skip
        months = self.shop["score"].get("month")
        if months and months["score_100"][-1] is not None:
            self.say(told, "score", "month", score=decimal(months["score_100"][-1], 1) or "")

    def audience(self, told: Paragraph) -> None:
        """The asset, who moved up, and the bottleneck."""
        asset, before = self.asset(0), self.asset(7)
        if asset is None:
            self.say(told, "audience", "absent")
            told.tone = "warn"
            return
        self.say(told, "audience", "asset", asset=count(asset) or "")
        if before:
            ratio = asset / before - 1
            told.tone = "up" if ratio > 0.005 else "down" if ratio < -0.005 else "flat"
            self.say(told, "audience", "week", change=self.change(ratio, people=True))
        else:
            self.say(told, "audience", "stop")
        entered = {f"a{n}": count(self.at("audience_5a_daily", "entered", key=str(n))) or "0" for n in (3, 4, 5)}
        self.say(told, "audience", "moved", **entered)
        ratios = {}
        for name in HEALTH:
            value, line = (
                self.at("audience_health_daily", name),
                self.at("audience_health_daily", f"benchmark_{name}"),
            )
            if value is not None and line:
                ratios[name] = value / line
        name = self.at("audience_health_daily", "bottleneck")
        if name in ratios:
            told.tone = "warn"
            self.say(
                told, "audience", "bottleneck", name=term(self.language, "indicator", name),
                ratio=percent(ratios[name], 0) or "",
            )  # fmt: skip
        else:
            compared = "healthy" if len(ratios) == len(HEALTH) else "partly" if ratios else "unjudged"
            self.say(told, "audience", compared)
        for flag, label in (("leaky", "leaky"), ("a3_thin", "thin"), ("repurchase_gap", "gap")):
            if self.at("audience_health_daily", flag):
                told.tone = "warn"
                self.say(told, "audience", label)

    def goods(self, told: Paragraph) -> None:
        """Products that changed class on the day, the core's share, the long tail."""
        classes = records(self.shop["list"]["quadrants"])
        if not classes:
            self.say(told, "goods", "absent")
            return
        moves = [
            row
            for row in records(self.shop["list"]["moves"])
            if row["business_date"] == self.page["day"] and row["scope"] == "all"
        ]
        if moves:
            steps = sum(CLASS_RANK.get(row["quadrant"], 0) - CLASS_RANK.get(row["moved_from"], 0) for row in moves)
            told.tone = "up" if steps > 0 else "down" if steps < 0 else "flat"
            names = [
                self.plain(
                    "goods", "one",
                    name=isolated(self.shop["names"]["product"].get(row["product_id"], row["product_id"])),
                    **{"from": term(self.language, "quadrant", row["moved_from"]),
                       "to": term(self.language, "quadrant", row["quadrant"])},
                )
                for row in moves[:NAMES_TOLD]
            ]  # fmt: skip
            more = self.words["goods"]["more"] if len(moves) > NAMES_TOLD else ""
            self.say(told, "goods", "moved", count=str(self.shop["goods"]["moved"]), names=self.listed(names) + more)
        else:
            self.say(told, "goods", "still")
        core = next((row for row in classes if row["scope"] == "all" and row["quadrant"] == "core"), {})
        if core.get("amount_share") is None:
            self.say(told, "goods", "few")
        else:
            self.say(
                told, "goods", "core", share=percent(core["amount_share"]) or "",
                paper=percent(core.get("paper_share")) or "—",
            )  # fmt: skip
        tails = self.shop["goods"]["tail"]
        if tails:
            self.say(told, "goods", "tail", count=str(tails))

    def experience(self, told: Paragraph) -> None:
        """The score of ten, what moved it and what drags it most."""
        indicators = records(self.shop["list"]["experience_indicators"])
        if not indicators:
            self.say(told, "experience", "absent")
            return
        score = self.at("experience_score_daily", "experience_10")
        change = self.at("experience_score_daily", "score_change")
        mover = self.at("experience_score_daily", "biggest_mover")
        signed = self.at("complaint_rates_daily", "signed_orders")
        if score is not None:
            self.say(told, "experience", "value", score=decimal(score, 2) or "")
            if change is None:
                self.say(told, "experience", "stop")
            elif not mover or abs(change) < 0.005:
                self.say(told, "experience", "same")
            else:
                told.tone = "up" if change > 0 else "down"
                self.say(
                    told, "experience", "change", change=self.change(change, f"{abs(change):.2f}"),
                    mover=term(self.language, "indicator", mover),
                )  # fmt: skip
        else:
            told.tone = "warn"
            if signed == 0 and not any(self.series("complaint_rates_daily", "signed_orders")):
                self.say(told, "experience", "unsigned")
            else:
                self.say(told, "experience", "few" if signed is not None and signed < 30 else "partial")
            lacking = [row["indicator"] for row in indicators if row["data_status"] == "missing_source"]
            feeds = sorted({MEASURED_FROM[name] for name in lacking if name in MEASURED_FROM})
            if feeds:
                self.say(told, "experience", "needs", feeds=self.listed(term(self.language, "feed", f) for f in feeds))
        scored = [row for row in indicators if row["points"] is not None]
        if scored:
            worst = max(scored, key=lambda row: row["weight"] - row["points"])
            lost = worst["weight"] - worst["points"]
            if lost >= 0.005:
                self.say(
                    told, "experience", "drag", name=term(self.language, "indicator", worst["indicator"]),
                    weight=f"{worst['weight']:g}", lost=f"{lost:.2f}",
                )  # fmt: skip
        official = self.at("experience_score_daily", "official_score")
        if official is not None:
            self.say(told, "experience", "official", score=f"{official:g}")

    def campaign(self, told: Paragraph) -> None:
        """Campaigns that run on the day, and how the last one that ended did."""
        campaigns = records(self.shop["list"]["campaigns"])
        if not campaigns:
            self.say(told, "campaign", "absent")
            return
        day = self.page["day"]
        running: list[dict[str, Any]] = []
        ended: list[dict[str, Any]] = []
        for row in campaigns:
            over = row["ends_on"] <= day if row.get("ends_on") else row.get("data_status") != "immature"
            runs = row["ends_on"] >= day if row.get("ends_on") else not over
            (running if runs else ended).append(row)
        names = self.shop["names"]["campaign"]

        def named(row: dict[str, Any]) -> str:
            return isolated(names.get(row["campaign_id"], row["campaign_id"]))

        if running:
            told.tone = "up"
            self.say(
                told, "campaign", "running",
                names=self.listed(
                    self.plain("campaign", "one", name=named(row), paid=self.yuan(row["paid_amount"]))
                    for row in running[:NAMES_TOLD]
                ),
            )  # fmt: skip
        else:
            self.say(told, "campaign", "none")
        judged = [row for row in ended if row.get("uplift") is not None]
        if judged:
            self.say(told, "campaign", "last", name=named(judged[0]), change=self.change(judged[0]["uplift"]))

    def data(self, told: Paragraph) -> None:
        """Which day is shown, what arrived, what was held back."""
        books = self.page["books"]
        self.say(told, "data", "shows", day=self.page["day"], published=self.page["published_at"])
        files, rows = books["newest"][0], books["newest"][1]
        if files:
            self.say(told, "data", "arrived", files=count(files) or "", rows=count(rows) or "")
        held = sum(row[2] for row in books["held"])
        if held:
            feed, reason, _ = books["held"][0]
            told.tone = "warn"
            self.say(
                told, "data", "held", rows=count(held) or "", feed=term(self.language, "feed", feed),
                reason=term(self.language, "reason", reason),
            )  # fmt: skip
        else:
            self.say(told, "data", "clean")
        if books["refused"]:
            told.tone = "warn"
            self.say(told, "data", "refused", files=str(len(books["refused"])))
        if books["unbalanced"]:
            told.tone = "warn"
            self.say(told, "data", "unbalanced", files=str(books["unbalanced"]))

    # ---- how it is said

    def say(self, told: Paragraph, topic: str, key: str, **fields: str) -> None:
        """Add one sentence."""
        told.text += parts(self.words[topic][key], fields)

    def plain(self, topic: str, key: str, **fields: str) -> str:
        """A phrase that becomes part of a field."""
        return "".join(text for text, _ in parts(self.words[topic][key], fields))

    def listed(self, names: Any) -> str:
        """Names in a row."""
        return JOINERS[self.language].join(names)

    def change(self, value: float, amount: str | None = None, people: bool = False) -> str:
        """`value` says the direction; `amount` how much, else the value as a percentage."""
        shown = amount or f"{abs(value):.1%}"
        if not any(digit in shown for digit in "123456789"):
            return str(self.words["change"]["flat"])
        key = ("more" if value > 0 else "fewer") if people else ("up" if value > 0 else "down")
        return self.plain("change", key, amount=shown)

    def yuan(self, value: float | None) -> str:
        """Money in a sentence, to the cent."""
        return "—" if value is None else f"¥{value:,.2f}"

    # ---- the values

    def at(self, mart: str, column: str, back: int = 0, key: str = "") -> Any:
        """Value of a daily mart some days before the newest one; None where there is none."""
        series = self.series(mart, column, key)
        index = self.last - back
        return series[index] if 0 <= index < len(series) else None

    def series(self, mart: str, column: str, key: str = "") -> list[Any]:
        """All values of a daily mart that the page carries, oldest first; empty where it carries none."""
        return self.shop["daily"].get(mart, {}).get(key, {}).get(column) or []

    def asset(self, back: int) -> int | None:
        """People in A1 to A5."""
        held = [self.at("audience_5a_daily", "users", back, str(layer)) for layer in range(1, 6)]
        known = [users for users in held if users is not None]
        return sum(known) if known else None

    def newest_score(self) -> tuple[float | None, float | None]:
        """Score of the newest day and its change, where that day is the one the page shows."""
        days = self.shop["score"].get("day")
        if not days or days["end"][-1] != self.shop["last"]:
            return None, None
        return days["score_100"][-1], days["score_change"][-1]
