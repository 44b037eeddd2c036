"""/healthz and /readyz: the status and the content for each health."""

import json

import pytest

from syncd.monitoring.health import Health, alive_page, ready_page
from syncd.monitoring.page import Page


def content(page: Page) -> tuple[int, object]:
    assert page.content_type == "application/json; charset=utf-8"
    return page.status, json.loads(page.content)


ALIVE = (200, {"status": "alive", "reasons": []})
READY = (200, {"status": "ready", "reasons": []})


@pytest.mark.parametrize(
    ("health", "alive", "ready"),
    [
        (Health(), ALIVE, READY),
        (
            Health(not_ready=["starting", "spring"]),
            ALIVE,
            (503, {"status": "not ready", "reasons": ["starting", "spring"]}),
        ),
        (
            Health(stuck=["ledger"]),
            (503, {"status": "stuck", "reasons": ["ledger"]}),
            (503, {"status": "not ready", "reasons": ["ledger"]}),
        ),
        (
            Health(stuck=["ledger"], not_ready=["stopping"]),
            (503, {"status": "stuck", "reasons": ["ledger"]}),
            (503, {"status": "not ready", "reasons": ["ledger", "stopping"]}),
        ),
    ],
)
def test_the_pages_have_status_200_unless_there_is_a_reason(
    health: Health, alive: object, ready: object
) -> None:
    assert content(alive_page(health)) == alive
    assert content(ready_page(health)) == ready
