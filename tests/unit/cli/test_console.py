"""Output of the commands: printable whatever it contains, and written in one place."""

import ast
import os
import pty
import termios
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from syncd.cli.console import print_error, print_line, print_paragraph, print_row

SOURCE = Path(__file__).parents[3] / "syncd"
HOSTILE = "\x1b[2J\x9b2J\u202ea\r\nERROR forged\x07"
WRITES = {"print", "typer.echo", "typer.secho", "sys.stdout.write", "sys.stderr.write"}
WRITERS = {
    "cli/console.py",
    "cli/ledger.py",  # a percentage, which overwrites itself
    "cli/sandbox.py",  # the sandbox's own texts
    "cli/demo.py",  # the demo's own texts
    "demo/run.py",  # the same
}
"""The modules that write to a stream; none of the others' texts come from outside."""


def is_one_printable_line(out: str) -> bool:
    return out.endswith("\n") and out[:-1].isprintable()


def test_a_line_is_one_printable_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(f"held as {HOSTILE}")
    assert is_one_printable_line(capsys.readouterr().out)


def test_a_paragraph_is_printable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_paragraph(f"why: {HOSTILE} " * 9, 40, first="> ")
    out = capsys.readouterr().out
    assert all(line.isprintable() for line in out.split("\n"))
    assert out.startswith("> why: ")
    assert "\nERROR" not in out


def test_an_error_has_no_control_characters_but_its_own_line_breaks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_error("syncd: first\nsyncd: \x1b[2Jsecond\r")
    assert capsys.readouterr().err == "syncd: first\nsyncd: \\x1b[2Jsecond\\x0d\n"


def written() -> Iterator[str]:
    """Yield the modules that write to a stream by themselves."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in WRITES:
                yield str(file.relative_to(SOURCE))


def test_only_the_console_and_modules_without_texts_from_outside_write_to_a_stream() -> None:
    assert set(written()) == WRITERS


@pytest.mark.parametrize("columns", [20, 60])
def test_a_row_keeps_to_the_width_of_a_terminal_without_splitting_words(columns: int) -> None:
    reading, writing = pty.openpty()
    termios.tcsetwinsize(writing, (24, columns))
    words = [f"word{number}" for number in range(30)]
    with open(writing, "w") as terminal, redirect_stdout(terminal):
        print_row(" ".join(words))
        print_row("short")
    shown = b""
    while (part := _read(reading)) != b"":
        shown += part
    os.close(reading)
    lines = shown.decode().split("\r\n")
    assert max(map(len, lines)) <= columns
    assert " ".join(lines).split() == [*words, "short"]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1000)
    except OSError:  # its other end is closed
        return b""


def test_a_row_is_one_line_where_no_terminal_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_row("word " * 100)
    assert capsys.readouterr().out.count("\n") == 1
