"""Which files belong to the units, and which programs units can run."""

from pathlib import Path

import pytest

from syncd.setup.units import ENABLED, unfit, unit_files

FILES = unit_files("/opt/bin/syncd")
SYSTEM = Path("/usr/lib/systemd/system")


def test_each_unit_with_an_install_section_is_disabled_by_a_removal() -> None:
    with_section = {path.name for path, text in FILES.items() if b"\n[Install]\n" in text}
    assert with_section == set(ENABLED)


def test_the_units_start_the_given_program() -> None:
    text = FILES[SYSTEM / "syncd.service"].decode()
    assert "ExecStart=/opt/bin/syncd run --config /etc/syncd/config.toml\n" in text
    assert not any(b"/usr/local/bin" in content for content in FILES.values())


def test_only_units_and_their_users_and_directories_are_installed() -> None:
    assert {path for path in FILES if path.parent == SYSTEM} == {
        SYSTEM / name
        for name in ("syncd.service", "syncd@.service", "syncd-backfill.service",
                     "syncd-backfill@.service", "syncd.target",
                     "syncd-failed@.service", "syncd-watch@.service", "syncd-watch@.timer",
                     "syncd-web.service", "syncd-web@.service")
    }  # fmt: skip
    assert {path for path in FILES if path.parent != SYSTEM} == {
        Path("/usr/lib/sysusers.d/syncd.conf"),
        Path("/usr/lib/tmpfiles.d/syncd.conf"),
    }


@pytest.mark.parametrize(
    ("program", "other", "why"),
    [
        ("/usr/local/bin/syncd", "/opt/pipx/venvs/syncd/bin/syncd", None),
        ("/root/.local/bin/syncd", "/usr/bin/python3.11", "/root/.local/bin/syncd is outside"),
        ("/usr/local/bin/syncd", "/home/anna/python", "/home/anna/python is outside"),
        ("/opt/my tools/syncd", "/usr/bin/python3.11", "contains a character"),
        ("/opt/100%/syncd", "/usr/bin/python3.11", "contains a character"),
    ],
)
def test_units_run_programs_in_usr_and_opt_only(program: str, other: str, why: str | None) -> None:
    found = unfit(program, [other])
    assert found is None if why is None else why in str(found)
