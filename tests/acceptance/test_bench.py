"""The benchmark runs to its end and writes a valid table; no durations are asserted."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bench.command import ROWS
from bench.row import Row
from bench.tables import README, replaced
from support.readme import ROOT

CHEAP = ("calls", "wire", "pages", "latency", "facts", "notify")
FIELDS = {"what", "figure", "unit", "against", "ratio", "goal", "reached", "note"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The JSON and the output of a quick run of the cheap rows."""
    path = tmp_path_factory.mktemp("bench")
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "bench"), *CHEAP, "--quick",
         "--json", str(path / "bench.json"), "--cache", str(path / "cache")],
        cwd=path,
        check=False,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads((path / "bench.json").read_text()), ended.stdout


def test_every_row_of_a_quick_run_has_a_figure(measured: tuple[dict[str, Any], str]) -> None:
    rows = measured[0]["rows"]
    assert all(set(row) == FIELDS for row in rows)
    assert [row["note"] for row in rows if row["figure"] is None] == []
    for beginning in (
        "calls per image",
        "bytes sent",
        "/library, missing",
        "file closed",
        "images held",
        "CPU, backfill",
    ):
        assert any(row["what"].startswith(beginning) for row in rows), beginning


def test_the_number_of_calls_per_image_is_that_of_the_goal(
    measured: tuple[dict[str, Any], str],
) -> None:
    (calls,) = [row for row in measured[0]["rows"] if row["what"].startswith("calls per image")]
    assert calls["against"] == [{"peer": "SDK", "figure": 1.0}]
    assert calls["ratio"] < 0.1
    assert calls["reached"] == (calls["ratio"] <= 0.04)


def test_the_printed_table_has_a_line_for_each_row(measured: tuple[dict[str, Any], str]) -> None:
    written, printed = measured
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    assert len(lines) == len(written["rows"]) + 2


def test_an_unknown_row_is_rejected_with_a_list_of_the_rows(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "bench"), "speed"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert "shared-budget" in ended.stderr


def test_the_page_of_the_benchmark_has_a_table_for_each_row() -> None:
    page = README.read_text("utf-8")
    tables = {name: [Row(f"a new figure of {name}", 1.0)] for name in ROWS}
    written = replaced(page, tables, "this machine")
    assert [name for name in ROWS if f"| a new figure of {name} | 1 |" not in written] == []
    assert written.count("\n\nthis machine\n\n<!-- end -->") == len(ROWS)
    kept = [line for line in page.splitlines() if line.startswith(("#", "- "))]
    assert [line for line in kept if line not in written] == []
    assert replaced(written, tables, "this machine") == written


def test_a_row_without_a_table_in_the_page_is_an_error() -> None:
    with pytest.raises(KeyError, match="speed"):
        replaced(README.read_text("utf-8"), {"speed": []}, "this machine")
