"""Quoting of the commands that the operator types: a shell reads back every word unchanged."""

import shlex
import subprocess

import pytest

from syncd.check.shell import Command, quote

WORDS = [
    "/srv/creatives",
    '/srv/it\'s $HOME; "new"',
    "/srv/new\nline",
    "/srv/\x1b]0;title\x07",
    "/srv/\udcff\udc80.jpg",
    "/srv/right\u202eleft\\1'",
    "",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_shell_reads_back_every_quoted_word(word: str) -> None:
    shown = quote(word)
    assert shown.isprintable()
    output = subprocess.run(
        ["bash", "-c", f"printf %s {shown}"], check=True, capture_output=True
    ).stdout
    assert output == word.encode("utf-8", "surrogateescape")


def test_the_input_of_a_command_is_piped_into_it() -> None:
    command = Command(("tee", "-a", "/etc/a b"), ("[Service]", "X=it's"))
    assert command.shell_line(sudo=True) == (
        f"printf '%s\\n' '[Service]' {shlex.quote('X=it' + chr(39) + 's')} | sudo tee -a '/etc/a b'"
    )
    assert Command(("sysctl", "--system")).shell_line(sudo=False) == "sysctl --system"
