"""The man page says what --help says, and a reader of man pages takes it."""

import re
import shutil
import subprocess

import pytest
from support.manual import MANUAL, page
from support.readme import table

from syncd.cli.exits import Exit


def test_the_man_page_is_made_from_the_commands_as_they_are() -> None:
    assert MANUAL.read_text(encoding="ascii") == page(), "run: python tests/support/manual.py"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_a_person_reads_every_command_option_and_exit_code() -> None:
    shown = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=300n", str(MANUAL)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stderr == ""
    text = " ".join(shown.stdout.split())
    for command, says in ((row[0].strip("`"), row[1]) for row in table("commands")):
        assert f"{command} " in text
        assert says.replace("`", "") in text
    for option in ("--config, -c PATH", "--format csv|json", "--replace", "[list|approve|dismiss]"):
        assert option in text
    for code in Exit:
        assert re.search(rf"\s{int(code)}\s+\w", shown.stdout), code
