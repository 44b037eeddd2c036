"""`syncd demo` in a terminal, in a pipe, and interrupted."""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from syncd.demo.pictures import names, picture

DEADLINE = 60.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROW = re.compile(r"^(spring|summer)/(\S+) +([0-9a-f]{64}) +(?:(main|eu) +([0-9a-f]{32})|(rej.*))")
SECOND_ROW = re.compile(r"^ {40,}(main|eu) +([0-9a-f]{32})")


class Demo:
    """A running demo and its output so far."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self._pieces: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def output(self) -> str:
        return ESCAPES.sub("", b"".join(self._pieces).decode()).replace("\r\n", "\n")

    def until(self, words: str) -> str:
        deadline = time.monotonic() + DEADLINE
        while words not in self.output:
            assert self.process.poll() is None, f"ended without {words!r}: {self.output}"
            assert time.monotonic() < deadline, f"no {words!r}: {self.output}"
            time.sleep(0.02)
        return self.output

    def interrupt(self) -> None:
        """Send SIGINT to every process of the group, like Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> tuple[int, str]:
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code, self.output

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # EIO: the other end of the terminal is closed
            while piece := os.read(self._descriptor, 65_536):
                self._pieces.append(piece)


@contextlib.contextmanager
def demo(directory: Path, *arguments: str, columns: int | None = None) -> Iterator[Demo]:
    """Run the demo, in a terminal with `columns` if given; no process or file of it must remain."""
    if columns is None:
        reading, writing = os.pipe()
    else:
        reading, writing = pty.openpty()
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", "demo", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
        env=os.environ | {"TMPDIR": str(directory), "TERM": "xterm-256color", "NO_COLOR": ""},
        start_new_session=True,
    )
    os.close(writing)
    running = Demo(process, reading)
    try:
        yield running
        assert process.poll() is not None
        assert processes_of(process.pid) == []
        assert list(directory.iterdir()) == []
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        running.end()
        os.close(reading)


def processes_of(session: int) -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append((stat.parent / "cmdline").read_text())
    return found


def test_without_a_terminal_the_demo_shows_every_step_and_leaves_nothing(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        code, output = running.end()
    assert code == 0, output
    assert "Traceback" not in output
    assert "\x1b" not in output
    for event in (
        "daemon.started",
        "image.held",
        "files.missing",
        "file.rejected",
        "daemon.stopped",
    ):
        assert f" event={event}" in output
    assert output.index("event=account.paused account=main") < output.index("event=account.resumed")
    assert (counted := re.search(r"47 files: (\d+) images uploaded and (\d+) copied in", output))
    assert sum(map(int, counted.groups())) == 60
    assert "; 0 uploaded twice, 0 calls while an account was blocked." in output


def test_the_table_agrees_with_the_files_and_the_accounts(tmp_path: Path) -> None:
    with demo(tmp_path, "--keep") as running:
        output = running.until("Try:")
        (root,) = tmp_path.iterdir()
        url = found(r"sandbox +(http://\S+)/sandbox$", output)
        rows = table(output)
        for file, (digest, standings) in rows.items():
            assert digest == hashlib.sha256((root / file).read_bytes()).hexdigest()
            for account, image in standings.items():
                assert image in hashes(root, url, account)
        assert "spring/download.png" in rows
        assert "rejected: truncated: the PNG has no end chunk" in output
        assert set(rows["summer/beacon-final.png"][1]) == {"main", "eu"}
        assert rows["spring/beacon-copy.png"][0] == rows["summer/beacon-final.png"][0]
        assert {f"summer/wave-{number}.png" for number in range(1, 5)} <= rows.keys()

        address = found(r"^the library is at (http://\S+)$", running.until("the library is at "))
        with urllib.request.urlopen(f"{address}library?q=beacon-final") as page:
            assert rows["summer/beacon-final.png"][1]["eu"] in page.read().decode()
        with urllib.request.urlopen(address) as page:
            assert re.search(r"[1-9]\d* uploaded, [1-9]\d* copied", page.read().decode())

        (root / "spring" / "another.png").write_bytes(picture("another.png"))
        running.until(f"event=image.held account=main file={root}/spring/another.png")
        running.interrupt()
        code, output = running.end()
    assert code == 0, output
    assert "event=daemon.stopped" in output
    assert "Traceback" not in output


def test_in_a_terminal_the_demo_shows_the_progress_bar_and_keeps_to_the_width(
    tmp_path: Path,
) -> None:
    with demo(tmp_path, columns=80) as running:
        code, output = running.end()
    assert code == 0, output
    backfill, _, live = output.partition("$ syncd run")
    assert re.search(r"main ━+╺━+ +\d+/40 +[\d.]+/s \d+ s left", backfill)
    assert re.search(r"main ━+ 40/40 +[\d.]+/s done", backfill)
    assert "image.held" not in backfill, "a line for each image pushes the bar away"
    assert "image.held" in live
    wide = [line for line in re.split(r"[\r\n]+", output) if len(line) > 80]
    assert [line for line in wide if not line.startswith(("$ ", "  "))] == []


@pytest.mark.parametrize("moment", ["$ syncd backfill", "$ syncd run", "account.paused"])
def test_ctrl_c_ends_the_demo_soon_and_leaves_nothing(tmp_path: Path, moment: str) -> None:
    with demo(tmp_path, columns=80) as running:
        running.until(moment)
        began = time.monotonic()
        running.interrupt()
        code, output = running.end()
        assert time.monotonic() - began < 10
    assert code == 130, output
    assert "Traceback" not in output
    assert "all files of the demo are removed" in output


def test_the_generated_pictures_are_valid_and_different() -> None:
    files = {name: picture(name) for name in names(40)}
    assert len(set(files.values())) == len(files)
    for name, content in files.items():
        image = Image.open(io.BytesIO(content))
        image.load()
        assert image.format == name.rpartition(".")[2].upper()
        assert 50_000 < len(content) < 150_000


def table(output: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Return the final table: file → digest, and account → hash."""
    rows: dict[str, tuple[str, dict[str, str]]] = {}
    standings: dict[str, str] = {}
    for line in output.partition("The final ledger")[2].splitlines():
        if match := ROW.match(line):
            folder, name, digest, account, image, _ = match.groups()
            standings = {account: image} if account else {}
            rows[f"{folder}/{name}"] = digest, standings
        elif match := SECOND_ROW.match(line):
            standings[match[1]] = match[2]
    return rows


def hashes(root: Path, url: str, account: str) -> set[str]:
    """Return the hashes of the images that the account holds, from the API."""
    number = found(
        rf'\[accounts\.{account}\]\nid = "(act_\d+)"', (root / "config.toml").read_text()
    )
    request = urllib.request.Request(
        f"{url}/v25.0/{number}/adimages?fields=hash&limit=1000",
        headers={"Authorization": f"Bearer {(root / 'token').read_text()}"},
    )
    with urllib.request.urlopen(request) as answer:
        return {image["hash"] for image in json.load(answer)["data"]}


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None, f"{pattern} is not in {text}"
    return match[1]
