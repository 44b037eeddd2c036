"""Secrets that a program prints: its output, its time limit, and what an error contains."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.rig import until

from syncd.config import AccountConfig, Command, Secret, SecretError, load, read_secret
from syncd.config.program import MAX_BYTES
from syncd.config.secret_command import output_of
from syncd.daemon.credentials import opener
from syncd.graph.client import Credentials
from syncd.model import AccountName

TOKEN = "EAABsbCS1iHgBAKZCZCkZD"
ENVIRON = dict(os.environ)
LONG = "import time; time.sleep(60)"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def shell(line: str) -> tuple[str, ...]:
    return ("sh", "-c", line)


def test_the_output_of_a_command_is_the_secret() -> None:
    assert read_secret(Command(shell(f"echo {TOKEN}")), ENVIRON) == Secret(TOKEN)


def test_a_command_gets_no_input_and_no_shell() -> None:
    assert output_of(("cat",), ENVIRON) == ""
    assert output_of(("echo", "$HOME;", "a b"), ENVIRON) == "$HOME; a b\n"


def failure(words: Sequence[str], time_limit: float = 10.0) -> str:
    with pytest.raises(SecretError) as caught:
        output_of(words, ENVIRON, time_limit)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("no-such-program",), "cannot be started (No such file or directory)"),
        (("/",), "cannot be started (Permission denied)"),
        (shell(f"echo {TOKEN}; echo {TOKEN} >&2; exit 3"), "ended with exit code 3"),
        (shell("kill -9 $$"), "ended with signal 9"),
        (shell(f"yes {TOKEN}"), "too long to be a token"),
        (python(f"print('x' * {MAX_BYTES})"), "too long to be a token"),
    ],
)
def test_a_command_that_fails_is_an_error_without_its_output(
    words: Sequence[str], reason: str
) -> None:
    assert reason in failure(words)


@pytest.mark.parametrize(
    "words",
    [
        shell(f"echo {TOKEN}; exec sleep 60"),
        python(f"import os; os.close(1); {LONG}"),
    ],
)
def test_a_command_that_does_not_end_is_killed(words: Sequence[str]) -> None:
    assert "did not end within 0.3 s" in failure(words, 0.3)


async def test_a_program_that_a_command_has_started_is_killed_with_it(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    failure(shell(f"sleep 60 & echo $! > {shlex.quote(str(file))}; sleep 60"), 1.0)
    pid = int(file.read_text())
    await until(lambda: _has_ended(pid))


def _has_ended(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def test_two_lines_are_not_a_token() -> None:
    with pytest.raises(SecretError, match="a second line"):
        read_secret(Command(shell("echo a; echo b")), ENVIRON)


def config_with(tmp_path: Path, line: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        f'ledger.path = "{tmp_path}/state/ledger.db"\n'
        f'graph.token = {{ command = ["sh", "-c", "{line}"] }}\n'
        'accounts.main.id = "1"\naccounts.other.id = "2"\n'
        f'[folders.spring]\npath = "{tmp_path}/spring"\naccount = "main"\n'
        'mirrors = ["other"]\n'
    )
    return path


def test_a_command_runs_once_for_all_accounts_until_a_reload(tmp_path: Path) -> None:
    count = shlex.quote(str(tmp_path / "count"))
    config = load(config_with(tmp_path, f"echo x >> {count}; echo a-token"), {})
    hidden: list[Secret] = []

    def read_all() -> None:
        read = opener(config, ENVIRON, hidden.append)
        for _ in range(3):
            for account in config.accounts.values():
                assert read(account) == Credentials(Secret("a-token"))

    read_all()
    assert (tmp_path / "count").read_text() == "x\n"
    assert set(hidden) == {Secret("a-token")}
    read_all()  # what a reload does
    assert (tmp_path / "count").read_text() == "x\nx\n"


def test_a_command_that_failed_is_not_repeated_at_once(tmp_path: Path) -> None:
    count = shlex.quote(str(tmp_path / "count"))
    config = load(config_with(tmp_path, f"echo x >> {count}; exit 1"), {})
    read = opener(config, ENVIRON, lambda _: None)
    main: AccountConfig = config.accounts[AccountName("main")]
    reasons = {read(main) for _ in range(3)}
    assert reasons == {
        'the command "sh" ended with exit code 1: run it as syncd\'s user, which shows the reason'
    }
    assert (tmp_path / "count").read_text() == "x\n"


def test_a_command_runs_again_when_that_is_asked_for(tmp_path: Path) -> None:
    printed = shlex.quote(str(tmp_path / "printed"))
    config = load(config_with(tmp_path, f"cat {printed}"), {})
    read = opener(config, ENVIRON, lambda _: None)
    main: AccountConfig = config.accounts[AccountName("main")]
    assert isinstance(read(main), str)
    (tmp_path / "printed").write_text("first")
    assert isinstance(read(main), str), "a command that failed is not repeated at once"
    assert read(main, again=True) == Credentials(Secret("first"))
    (tmp_path / "printed").write_text("second")
    assert read(main) == Credentials(Secret("first"))
    assert read(main, again=True) == read(main) == Credentials(Secret("second"))
    (tmp_path / "printed").unlink()
    assert read(main, again=True) == read(main) == Credentials(Secret("second"))
