"""A library that all tests of a file read."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from support.rig import Rig
from support.visitor import Visitor, visitor
from support.web_library import fill


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    return asyncio.run(fill(tmp_path_factory.mktemp("library")))


@pytest.fixture
async def visit(library: Rig) -> AsyncIterator[Visitor]:
    async with visitor(library) as visitor_:
        yield visitor_
