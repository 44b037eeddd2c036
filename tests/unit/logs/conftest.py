"""A log that is unconfigured and knows no secret at the beginning of each test."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from syncd.logs import secrets


@pytest.fixture(autouse=True)
def unconfigured_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(secrets, "_known", [])
    root = logging.getLogger()
    handlers = root.handlers[:]
    yield
    root.handlers[:] = handlers
    logging.captureWarnings(False)
    structlog.reset_defaults()
