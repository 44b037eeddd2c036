"""Health: whether the process is alive, and whether it does its work."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from syncd.monitoring.page import Page

JSON = "application/json; charset=utf-8"


class Health(msgspec.Struct, frozen=True):
    """The health of the process; each sequence has one reason for the operator per item."""

    stuck: Sequence[str] = ()
    """Why a restart is needed: the vital parts that make no progress."""
    not_ready: Sequence[str] = ()
    """Why the process does not do its work yet, or no longer."""

    @property
    def reasons(self) -> Sequence[str]:
        """Why the process is not ready; empty if it is."""
        return [*self.stuck, *self.not_ready]


class _Content(msgspec.Struct, frozen=True):
    status: str
    reasons: Sequence[str]


def alive_page(health: Health) -> Page:
    """Return /healthz: status 200, or 503 with the parts that are stuck."""
    return _page("alive", "stuck", health.stuck)


def ready_page(health: Health) -> Page:
    """Return /readyz: status 200, or 503 with the reasons.

    Trouble of an account or a folder is not one of them: the process does what can be done.
    """
    return _page("ready", "not ready", health.reasons)


def _page(good: str, bad: str, reasons: Sequence[str]) -> Page:
    content = _Content(bad if reasons else good, reasons)
    return Page(503 if reasons else 200, msgspec.json.encode(content) + b"\n", JSON)
