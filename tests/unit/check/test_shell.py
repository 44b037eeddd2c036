"""What a person is told to type is taken by a shell as it is meant."""

import shlex
import subprocess

import pytest

from syncd.check.shell import Command, quoted

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
def test_a_shell_gives_back_every_word(word: str) -> None:
    shown = quoted(word)
    assert shown.isprintable()
    said = subprocess.run(
        ["bash", "-c", f"printf %s {shown}"], check=True, capture_output=True
    ).stdout
    assert said == word.encode("utf-8", "surrogateescape")


def test_what_a_command_reads_stands_before_it() -> None:
    command = Command(("tee", "-a", "/etc/a b"), ("[Service]", "X=it's"))
    assert command.typed(sudo=True) == (
        f"printf '%s\\n' '[Service]' {shlex.quote('X=it' + chr(39) + 's')} | sudo tee -a '/etc/a b'"
    )
    assert Command(("sysctl", "--system")).typed(sudo=False) == "sysctl --system"
