"""Marks every test with the tier whose folder it lies in."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
TIERS = ("unit", "integration", "acceptance")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        tier = item.path.relative_to(HERE).parts[0]
        assert tier in TIERS, f"{item.path} lies in no tier"
        item.add_marker(tier)
