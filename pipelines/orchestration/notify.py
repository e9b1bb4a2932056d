"""Telling the owner: when a night fails, and when one succeeds after a failure. Silence means all is well."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import urllib.request

from pipelines.config import Settings
from pipelines.orchestration import journal

TIMEOUT_SECONDS = 30

log = logging.getLogger("quanyu.notify")


def is_due(nights: list[journal.Entry]) -> bool:
    """Whether the last of `nights` is news: it failed, or the one before it did."""
    if not nights:
        return False
    return nights[-1].outcome != "published" or (len(nights) > 1 and nights[-2].outcome != "published")


def notify(settings: Settings, entry: journal.Entry) -> None:
    """Run the configured command and call the webhook. A messenger that fails is logged; it never fails the night."""
    text = f"quanyu {entry.business_date}: {entry.outcome}. {entry.message}"
    if settings.notify_command:
        environment = os.environ | {
            "QUANYU_OUTCOME": entry.outcome,
            "QUANYU_BUSINESS_DATE": entry.business_date,
            "QUANYU_MESSAGE": entry.message,
        }
        try:
            done = subprocess.run(  # noqa: S602 — the owner's own command line, from the owner's own file
                settings.notify_command, shell=True, env=environment, timeout=TIMEOUT_SECONDS, capture_output=True
            )
            if done.returncode:
                log.warning("notify_command ended with exit code %s", done.returncode)
        except subprocess.TimeoutExpired:
            log.warning("notify_command took longer than %s s and was stopped", TIMEOUT_SECONDS)
    if settings.notify_webhook:
        body = {
            "text": text,
            "msgtype": "text",
            "outcome": entry.outcome,
            "business_date": entry.business_date,
            "message": entry.message,
        }
        request = urllib.request.Request(  # noqa: S310 — the scheme is checked when the configuration is read
            settings.notify_webhook,
            data=json.dumps(body, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310
        except OSError as error:
            log.warning("notify_webhook failed: %s", error)
