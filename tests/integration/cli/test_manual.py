"""The man page agrees with --help, and groff renders it without a warning."""

import re
import shutil
import subprocess

import pytest
from support.readme import table

from syncd.cli.errors import Exit
from syncd.man.page import FILE, man_page


def test_the_man_page_is_up_to_date_with_the_commands() -> None:
    assert FILE.read_text(encoding="ascii") == man_page(), "run: python -m syncd.man"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_rendered_man_page_has_every_command_option_and_exit_code() -> None:
    shown = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=300n", str(FILE)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stderr == ""
    text = " ".join(shown.stdout.split())
    for command, summary in ((row[0].strip("`"), row[1]) for row in table("commands")):
        assert f"{command} " in text
        assert summary.replace("`", "") in text
    for option in (
        "--config, -c PATH",
        "--format csv|json",
        "--replace",
        "[list|approve|dismiss|trust|release]",
    ):
        assert option in text
    for code in Exit:
        assert re.search(rf"^ +{int(code)} +\w", shown.stdout, re.MULTILINE), code
