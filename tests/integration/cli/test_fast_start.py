"""The modules that a command imports: starting takes longer than most commands' work."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from syncd.cli import backfill, find, log, run, status
from syncd.cli.frequent import frequent_command
from syncd.cli.options import DEFAULT_CONFIG
from syncd.cli.status import Options
from syncd.cli.status_files import Kind
from syncd.ledger import files, folders
from syncd.ledger.database import open_ledger
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, Digest, FolderName, Stat

DIGEST = Digest(bytes(32))

SLOW = {"aiohttp", "aiosqlite", "asyncio", "pathspec", "pydantic", "rich", "ssl", "structlog"}
SLOW |= {"typer", "watchfiles"}
"""Modules that take some 5 to 100 ms of CPU to import."""

PROGRAM = """
import gc, sys
from syncd.cli import main
try:
    main()
except SystemExit as end:
    assert end.code in (0, None, 3), end.code  # 3: found, and not uploaded
print(*sys.modules, file=sys.stderr)
print(gc.isenabled(), gc.get_freeze_count() > 10_000, file=sys.stderr)
"""


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    async with open_ledger(tmp_path / "ledger.db") as ledger:
        folder = folders.declare(FolderName("a"), b"/a", [AccountId("1")])
        place = Place(await ledger.write(folder), b"", b"a.jpg")
        content = Content(digest=DIGEST, size=7, format="JPEG", width=1, height=1, unfit=None)
        await ledger.write(
            files.record_all(
                [(place, Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5), content)]
            )
        )
    path = tmp_path / "config.toml"
    path.write_text(
        '[graph]\nversion = "v25.0"\ntoken = { env = "T" }\n'
        f'[ledger]\npath = "{tmp_path}/ledger.db"\n[accounts.main]\nid = "act_1"\n'
        f'[folders.a]\npath = "{tmp_path}/folder"\naccount = "main"\n'
    )
    return path


def loaded(*words: str | Path) -> set[str]:
    """Return which of the slow modules a command imports."""
    command = [sys.executable, "-c", PROGRAM, *map(str, words)]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"T": "a-token", "LANG": "C"}
    )
    assert ended.returncode == 0, ended.stderr
    *_, modules, collector = ended.stderr.splitlines()
    assert collector == "True True", "garbage collection is off, or includes the modules"
    return SLOW & set(modules.split())


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("status", "--json"), ("status", "--account", "main"),
        ("status", "--files", "missing"), ("find", DIGEST.hex()),
        ("log", "--what", "found", "--since", "2h"), ("log", DIGEST.hex(), "--json"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_only_reads_the_ledger_imports_nothing_slow(
    config: Path, words: tuple[str, ...]
) -> None:
    assert loaded(*words, "--config", config) == set()


def test_a_backfill_with_nothing_to_send_imports_neither_a_client_nor_a_parser_of_options(
    config: Path,
) -> None:
    assert loaded("backfill", "--config", config) == {
        "aiosqlite", "asyncio", "ssl", "structlog", "watchfiles",
    }  # fmt: skip


def test_an_explanation_of_an_error_imports_no_client() -> None:
    assert not loaded("explain", "190/463") & {"aiohttp", "aiosqlite", "watchfiles"}


def test_a_command_in_an_unusual_form_is_read_by_typer(config: Path) -> None:
    assert "typer" in loaded("status", f"--config={config}")


PATH = Path("x.toml")
FREQUENT: list[tuple[str, object]] = [
    ("run", (run.run, (DEFAULT_CONFIG,), {})),
    ("run --config x.toml", (run.run, (PATH,), {})),
    ("backfill", (backfill.backfill, (DEFAULT_CONFIG,), {})),
    ("backfill -c x.toml", (backfill.backfill, (PATH,), {})),
    ("status", (status.status, (DEFAULT_CONFIG, Options()), {})),
    ("status --json -c x.toml", (status.status, (PATH, Options(json=True)), {})),
    ("status -c x.toml --json", (status.status, (PATH, Options(json=True)), {})),
    ("status --check", (status.status, (DEFAULT_CONFIG, Options(check=True)), {})),
    ("status --watch", (status.status, (DEFAULT_CONFIG, Options(watch=True)), {})),
    (
        "status --files missing --account a --folder b --account c",
        (
            status.status,
            (DEFAULT_CONFIG, Options(files=Kind.MISSING, accounts=("a", "c"), folders=("b",))),
            {},
        ),
    ),
    ("find a.jpg", (find.find, ("a.jpg", DEFAULT_CONFIG), {"json": False})),
    ("find -c x.toml a.jpg", (find.find, ("a.jpg", PATH), {"json": False})),
    ("log", (log.log, ("", DEFAULT_CONFIG, log.Options()), {})),
    (
        "log a.jpg --since 2h --what lost --account a --limit 5 --follow -c x.toml",
        (
            log.log,
            (
                "a.jpg",
                PATH,
                log.Options(since="2h", what="lost", accounts=("a",), limit=5, follow=True),
            ),
            {},
        ),
    ),
    ("find --json *.jpg", (find.find, ("*.jpg", DEFAULT_CONFIG), {"json": True})),
]


@pytest.mark.parametrize(("line", "expected"), FREQUENT, ids=[line for line, _ in FREQUENT])
def test_a_frequent_command_is_called_with_what_its_words_name(line: str, expected: object) -> None:
    command = frequent_command(line.split())
    assert isinstance(command, partial)
    assert (command.func, command.args, command.keywords) == expected


@pytest.mark.parametrize(
    "words",
    [
        (), ("stat",), ("",), ("plan",), ("-h",), ("status", "-h"), ("status", "--help"),
        ("status", "more"), ("status", "--js"), ("status", "-c"), ("status", "-c", ""),
        ("status", "--files", "x"), ("status", "--files"), ("status", "--account"),
        ("status", "--account", "--check"), ("find", "a", "--account", "b"),
        ("status", "-c", "--json"), ("status", "-cx.toml"), ("status", "--config=x.toml"),
        ("status", "-c", "x", "-c", "y"), ("-c", "x.toml", "status"), ("--json", "status"),
        ("find",), ("find", ""), ("find", "a", "b"), ("find", "--", "a"), ("find", "-"),
        ("find", "a", "--check"), ("run", "--json"), ("backfill", "--json"),
        ("backfill", "x"), ("--install-completion",),
    ],
    ids=repr,
)  # fmt: skip
def test_words_in_any_other_form_are_left_to_typer(words: tuple[str, ...]) -> None:
    assert frequent_command(words) is None
