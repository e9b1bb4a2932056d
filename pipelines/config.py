"""Where a deployment lives and what its owner decided: the home folder and its `quanyu.toml`.

Policy only. Thresholds and weights of the metrics are seed rows, not configuration.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from pipelines.errors import QuanyuError

CONFIG_FILE = "quanyu.toml"
LEAST_MEMORY_MB = 100
PROJECT_DIR = Path(__file__).resolve().parent.parent


class ConfigError(QuanyuError):
    """`quanyu.toml`, an option or an environment variable says something the program cannot use."""


class Postgres(BaseModel):
    """The section `[postgres]`: a copy of the marts for tools that have no DuckDB driver."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(
        description="Server, database and user, as `postgresql://quanyu@db.example/shop`. The password comes from "
        "PGPASSWORD or ~/.pgpass, never from this file.",
    )
    into: str = Field(
        default="marts", description="Schema that holds the copy. It must be empty or made by an earlier copy."
    )
    reader: str = Field(default="bi", description="Role that may read the copy and nothing else; made where missing.")

    @field_validator("address")
    @classmethod
    def _no_password(cls, value: str) -> str:
        if not re.match(r"postgres(ql)?://[^\s]+$", value):
            raise ValueError("must be an address like postgresql://quanyu@db.example/shop")
        if re.match(r"[^/]+//[^/@]*:[^@]*@", value) or "password=" in value:
            raise ValueError("must not hold a password; give it as PGPASSWORD or in ~/.pgpass")
        return value

    @field_validator("into", "reader")
    @classmethod
    def _name(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
            raise ValueError("must be a name of small letters, digits and _")
        return value


class Policy(BaseModel):
    """The keys of `quanyu.toml`. Every key is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    default_shop: str = Field(
        default="default",
        description="Shop of every row that names none: the id a one-shop merchant never writes down.",
    )
    time_zone: str = Field(
        default="Asia/Shanghai",
        description="Zone of the business day, of stamps without an offset and of the schedule.",
    )
    schedule: str = Field(
        default="02:30",
        description="Time of the nightly run, HH:MM in `time_zone`, late enough for the platform's exports of the day.",
    )
    memory_limit: str = Field(
        default="400MB",
        description="Memory of DuckDB before it spills to disk. The process needs about 500 MB beside it.",
    )
    threads: int = Field(default=2, ge=1, le=256, description="Threads of DuckDB.")
    versions_kept: int = Field(
        default=7,
        ge=1,
        le=1000,
        description="Published files kept, the current one included, so that a reader can go back.",
    )
    nights_kept: int = Field(default=60, ge=1, le=10000, description="Runs whose logs and Dagster events are kept.")
    stale_after_hours: int = Field(
        default=30,
        ge=1,
        le=8760,
        description="Hours without a publication after which `quanyu status` calls the data stale.",
    )
    notify_command: str | None = Field(
        default=None,
        description="Shell command run when a night fails and when one succeeds after a failure. "
        "It finds QUANYU_OUTCOME, QUANYU_BUSINESS_DATE and QUANYU_MESSAGE in its environment.",
    )
    notify_webhook: str | None = Field(
        default=None,
        description="http(s) address that gets the same by POST as JSON. Bot hooks of chat tools read its `text`.",
    )
    postgres: Postgres | None = Field(
        default=None,
        description="Section: after each publication the marts are copied into a PostgreSQL database as well.",
    )

    @field_validator("default_shop")
    @classmethod
    def _shop(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must name a shop")
        return value.strip()

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            near = difflib.get_close_matches(value, available_timezones(), n=1, cutoff=0.6)
            raise ValueError("is no known time zone" + (f"; did you mean {near[0]!r}?" if near else ""))
        return value

    @field_validator("schedule")
    @classmethod
    def _time(cls, value: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError("must be a time of day, HH:MM between 00:00 and 23:59")
        return value

    @field_validator("memory_limit")
    @classmethod
    def _memory(cls, value: str) -> str:
        if not re.fullmatch(r"\d+(\.\d+)?\s*(MB|GB|TB|MiB|GiB|TiB)", value):
            raise ValueError("must be a size with its unit, like 400MB or 2GB")
        number, unit = re.match(r"([\d.]+)\s*(\w)", value).groups()  # type: ignore[union-attr]
        if float(number) * {"M": 1, "G": 1000, "T": 1_000_000}[unit] < LEAST_MEMORY_MB:
            raise ValueError(f"is too little to work with; give DuckDB {LEAST_MEMORY_MB}MB or more")
        return value

    @field_validator("notify_webhook")
    @classmethod
    def _hook(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^\s/]+", value):
            raise ValueError("must be an http:// or https:// address")
        return value


class Settings(Policy):
    """Policy plus the places it is applied to. All paths are absolute."""

    home: Path
    landing: Path
    project: Path = PROJECT_DIR

    @property
    def zone(self) -> ZoneInfo:
        """Zone of the business day."""
        return ZoneInfo(self.time_zone)

    @property
    def state(self) -> Path:
        """What the run alone reads and writes."""
        return self.home / "state"

    @property
    def build_db(self) -> Path:
        """Raw, control, staging, intermediate."""
        return self.state / "build.duckdb"

    @property
    def serving_db(self) -> Path:
        """Marts before they are published."""
        return self.state / "serving.duckdb"

    @property
    def spill(self) -> Path:
        """Where DuckDB spills what memory cannot hold."""
        return self.state / "spill"

    @property
    def dbt_target(self) -> Path:
        """Manifest and warm parse of the dbt project."""
        return self.state / "dbt"

    @property
    def dagster_home(self) -> Path:
        """Runs, schedules and sensors of Dagster."""
        return self.state / "dagster"

    @property
    def lock_file(self) -> Path:
        """Held by the one night that runs."""
        return self.state / "night.lock"

    @property
    def journal(self) -> Path:
        """One JSON line a night."""
        return self.state / "nights.jsonl"

    @property
    def published(self) -> Path:
        """Versioned files and `current.duckdb`."""
        return self.home / "published"

    @property
    def current(self) -> Path:
        """Symlink to the newest publication."""
        return self.published / "current.duckdb"

    @property
    def reports(self) -> Path:
        """The page people look at."""
        return self.home / "reports"

    @property
    def logs(self) -> Path:
        """Plain lines, one file a night."""
        return self.home / "logs"

    def make_home(self) -> None:
        """Create the folders of the home. Raises `ConfigError` where that is not possible."""
        folders = (self.state, self.spill, self.dbt_target, self.dagster_home, self.published, self.reports, self.logs)
        for folder in (self.home, *folders):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(
                    f"home {self.home}: cannot create {folder.name}/ ({error.strerror}); "
                    "choose a writable folder with --home or QUANYU_HOME"
                ) from error
        if self.landing == self.home / "landing":
            self.landing.mkdir(exist_ok=True)
        if not self.landing.is_dir():
            raise ConfigError(f"landing {self.landing}: no such folder; create it or pass --landing")


def load_settings(home: Path | str | None = None, landing: Path | str | None = None) -> Settings:
    """Settings of the home at `home`, else `$QUANYU_HOME`, else `./.quanyu`. Raises `ConfigError`."""
    root = Path(home or os.environ.get("QUANYU_HOME") or ".quanyu").expanduser().absolute()
    drop = Path(landing or os.environ.get("QUANYU_LANDING") or root / "landing").expanduser().absolute()
    places: dict[str, Any] = {"home": root, "landing": drop}
    if project := os.environ.get("QUANYU_PROJECT"):
        places["project"] = Path(project).absolute()
    return Settings(**{**read_policy(root / CONFIG_FILE).model_dump(exclude_unset=True), **places})


def read_policy(path: Path) -> Policy:
    """The policy written in `path`; all defaults where the file does not exist. Raises `ConfigError`."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return Policy()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from error
    section = written.get("postgres")
    for keys, known in ((written, Policy), (section if isinstance(section, dict) else {}, Postgres)):
        for key in keys:
            if key not in known.model_fields:
                near = difflib.get_close_matches(key, known.model_fields, n=1, cutoff=0)
                raise ConfigError(f"{path}: unknown key {key!r}; did you mean {near[0]!r}?")
    try:
        return Policy(**written)
    except ValidationError as error:
        first = error.errors()[0]
        reason = str(first["ctx"]["error"]) if first["type"] == "value_error" else _said_plainly(first)
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {key} = {first['input']!r} {reason}") from error


def _said_plainly(problem: ErrorDetails) -> str:
    """What pydantic found, in the words of someone who writes a configuration file."""
    bounds = problem.get("ctx", {})
    return {
        "int_type": "must be a whole number, without quotes",
        "string_type": "must be a text, in quotes",
        "greater_than_equal": f"must be {bounds.get('ge')} or more",
        "less_than_equal": f"must be {bounds.get('le')} or less",
    }.get(problem["type"], problem["msg"].lower())


def quiet_environment() -> None:
    """Switch off every library's telemetry. Must run before the libraries are imported."""
    for name, value in {
        "DO_NOT_TRACK": "1",
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "GX_ANALYTICS_ENABLED": "false",
    }.items():
        os.environ[name] = value


def configuration_page() -> str:
    """`docs/configuration.md`: every key with its default and its reason."""
    lines = [
        "# Configuration",
        "",
        "`quanyu.toml` in the home (`--home`, else `$QUANYU_HOME`, else `./.quanyu`). Every key is optional; an",
        "unknown key is refused. Written by `quanyu config --page`; `quanyu config` prints what is in force.",
        "",
        "| key | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Policy.model_fields.items():
        default = "none" if field.default is None else f"`{toml_value(field.default)}`"
        lines.append(f"| `{name}` | {default} | {field.description} |")
    lines += [
        "",
        "In the section `[postgres]`, which stands at the end of the file:",
        "",
        "| key | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Postgres.model_fields.items():
        default = "required" if field.is_required() else f"`{toml_value(field.default)}`"
        lines.append(f"| `{name}` | {default} | {field.description} |")
    lines += [
        "",
        "Environment: `QUANYU_HOME`, `QUANYU_LANDING` (where the merchant drops files, else `landing/` in the home),",
        "`QUANYU_HASH_KEY` (the secret that user ids are hashed with, else `state/hash.key`, made at the first night).",
        "",
    ]
    return "\n".join(lines)


def toml_value(value: object) -> str:
    """A string or number as TOML writes it."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
