"""Each way in which a folder can be watched."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.watches import FAST, Reports, Watched, all_watched

from syncd.folders.watching.timing import Timing


@pytest.fixture(params=["alone", "sharing"])
def watched(request: pytest.FixtureRequest) -> Watched:
    """Watch a folder in either way; yield its reports."""

    @asynccontextmanager
    async def watch(root: Path | bytes, timing: Timing = FAST) -> AsyncIterator[Reports]:
        shared = request.param == "sharing"
        async with all_watched(root, timing=timing, shared=shared) as (reports,):
            yield reports

    return watch
