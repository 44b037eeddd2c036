"""Markers by test folder, a logger that prints, and a sandbox and a rig for each test."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from support.fuzz import EXPLORING, load_profile
from support.rig import Rig

from syncd.logs.logger import bound_logger
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

# Every worker and each of 1,000 processes would compile syncd and the tests again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell starts a program in the background with SIGINT ignored, and so would each process that a
# test starts, whatever the test sends to it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

load_profile()

HERE = Path(__file__).parent
TIERS = ("unit", "integration", "acceptance")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        tier = item.path.relative_to(HERE).parts[0]
        assert tier in TIERS, f"{item.path} is not in one of {TIERS}"
        item.add_marker(tier)
        if EXPLORING and item.get_closest_marker("fuzz"):
            item.add_marker(pytest.mark.timeout(7200))


class Printer:
    """A logger of structlog that prints records of every level."""

    def __init__(self, *_: object) -> None:
        self.debug = self.info = self.notice = print
        self.info_all = lambda records: print(*records, sep="\n")
        self.warning = self.error = self.critical = print


@pytest.fixture(autouse=True)
def log() -> None:
    """Print what the code logs."""
    structlog.configure(wrapper_class=bound_logger("debug"), logger_factory=Printer)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(Switches(tier="unlimited")) as sandbox:
        yield sandbox


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return Rig(tmp_path, sandbox)
