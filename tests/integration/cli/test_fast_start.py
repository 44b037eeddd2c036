"""The modules that a command imports: starting takes longer than most commands' work."""

import subprocess
import sys
from pathlib import Path

import pytest

from syncd.ledger import files, folders
from syncd.ledger.database import open_ledger
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, Digest, FolderName, Stat

DIGEST = Digest(bytes(32))

PROGRAM = """
import gc, sys
from syncd.cli import main
try:
    main()
except SystemExit as end:
    assert end.code in (0, None, 3), end.code  # 3: found, and not uploaded
print(*(name for name in ("aiohttp", "rich", "watchfiles") if name in sys.modules), file=sys.stderr)
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


def loaded(*words: str | Path) -> list[str]:
    command = [sys.executable, "-c", PROGRAM, *map(str, words)]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"T": "a-token", "LANG": "C"}
    )
    assert ended.returncode == 0, ended.stderr
    *_, modules, collector = ended.stderr.splitlines()
    assert collector == "True True", "garbage collection is off, or includes the modules"
    return modules.split()


@pytest.mark.parametrize(
    "words",
    [("status",), ("status", "--json"), ("find", DIGEST.hex())],
    ids=" ".join,
)
def test_a_command_that_only_reads_the_ledger_does_not_import_aiohttp_or_rich(
    config: Path, words: tuple[str, ...]
) -> None:
    assert loaded(*words, "--config", config) == []


def test_a_service_does_not_import_rich(config: Path) -> None:
    assert loaded("backfill", "--config", config) == ["aiohttp", "watchfiles"]
