"""The unit files: systemd accepts them, and an attacker in the daemon could do little."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.readme import ROOT

from syncd.cli import INTERRUPTED

UNITS = ROOT / "systemd"
SERVICES = (
    "syncd.service",
    "syncd@.service",
    "syncd-backfill.service",
    "syncd-backfill@.service",
    "syncd-web.service",
    "syncd-web@.service",
)

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="NOT TESTED: the unit files; systemd-analyze is not installed",
)


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *words],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with commands that exist on this machine."""
    copy = tmp_path / "units"
    shutil.copytree(UNITS, copy)
    for file in copy.glob("syncd*.service"):
        file.write_text(re.sub(r"(?<==)/usr/local/\S+", "/bin/true", file.read_text()))
    return copy


@pytest.mark.parametrize("name", SERVICES)
def test_the_exposure_is_at_most_1_2(name: str) -> None:
    ended = analyze("security", "--offline=true", "--threshold=12", str(UNITS / name))
    assert ended.returncode == 0, ended.stdout[-2000:]


@pytest.mark.parametrize(
    "name",
    ["syncd.service", "syncd@eu.service", "syncd-backfill@eu.service",
     "syncd-backfill.service", "syncd.target", "syncd-failed@syncd.service.service",
     "syncd-watch@syncd.service", "syncd-watch@syncd.timer", "syncd-web.service",
     "syncd-web@eu.service"],
)  # fmt: skip
def test_systemd_accepts_each_unit(units: Path, name: str) -> None:
    ended = analyze("verify", str(units / name))
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "example",
    [
        "home.conf.example",
        "watch/on-failure.conf",
        "litestream/restore.conf",
        "litestream/user.conf",
    ],
)
def test_systemd_accepts_each_drop_in(units: Path, example: str) -> None:
    drop_ins = units / "syncd.service.d"
    drop_ins.mkdir()
    text = (units / example).read_text().replace("/usr/bin/litestream", "/bin/true")
    (drop_ins / "example.conf").write_text(text)
    ended = analyze("verify", str(units / "syncd.service"))
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("line", ["ProtectHouse=yes", "ProtectHome=perhaps", "TimeoutStopSec=soon"])
def test_systemd_would_report_a_mistake(units: Path, line: str) -> None:
    file = units / "syncd.service"
    file.write_text(file.read_text().replace("[Service]\n", f"[Service]\n{line}\n"))
    assert analyze("verify", str(file)).stderr


@pytest.mark.parametrize("name", ["syncd-backfill.service", "syncd-backfill@.service"])
def test_a_backfill_that_was_stopped_has_not_failed(name: str) -> None:
    unit = (UNITS / name).read_text()
    assert re.findall(r"^SuccessExitStatus=(.*)$", unit, re.MULTILINE) == [str(INTERRUPTED)]


def test_all_services_have_the_same_sandbox() -> None:
    def sandbox(name: str) -> list[str]:
        text = (UNITS / name).read_text()
        return text.split("\n# What it can see")[1].split("\n[Install]")[0].split()

    assert [sandbox(name) for name in SERVICES] == [sandbox("syncd.service")] * len(SERVICES)
