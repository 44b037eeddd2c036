"""A library that all tests of a file read."""

import asyncio

import pytest
from support.rig import Rig
from support.web_library import fill


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    return asyncio.run(fill(tmp_path_factory.mktemp("library")))
