"""The real process with closed descriptors, other encodings and readers that end."""

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys

import pytest
from support.pictures import picture
from support.process import running
from support.rig import Rig, until

NAME = "Frühling/日本-\udcff.jpg"

LOCALES = {
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "C": {"LC_ALL": "C"},
    "POSIX": {"LC_ALL": "POSIX"},
    "unknown": {"LC_ALL": "en_AU"},
    "Latin-1 output": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1"},
    "ASCII output": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii"},
}


def ran(
    rig: Rig,
    *words: str,
    environ: dict[str, str] | None = None,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "syncd", *words, "--config", str(rig.path / "config.toml")],
        env=rig.environ | (environ or {}),
        stdout=stdout,
        stderr=stderr,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def latin_1(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a locale whose encoding has 8 bits."""
    path = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") is None:
        pytest.skip("NOT TESTED: an 8-bit locale; localedef(1) is not installed")
    made = subprocess.run(
        ["localedef", "-i", "en_AU", "-f", "ISO-8859-1", path / "en_AU"],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip(f"NOT TESTED: an 8-bit locale; {made.stderr.decode()}")
    return {"LC_ALL": "en_AU", "LOCPATH": str(path)}


async def test_names_are_found_and_printed_in_an_8_bit_locale(
    rig: Rig, latin_1: dict[str, str]
) -> None:
    found = await _names_are_found_and_printed(rig, latin_1)
    assert "Möbel/Frühling/\\u65e5\\u672c-\\xff.jpg".encode("latin-1") in found


@pytest.mark.parametrize("environ", LOCALES.values(), ids=LOCALES.keys())
async def test_names_are_found_and_printed_in_every_locale(
    rig: Rig, environ: dict[str, str]
) -> None:
    await _names_are_found_and_printed(rig, environ)


async def _names_are_found_and_printed(rig: Rig, environ: dict[str, str]) -> bytes:
    """Return the output of `find`."""
    folder = rig.path / "Möbel"
    folder.mkdir()
    file = folder / NAME
    file.parent.mkdir()
    file.write_bytes(picture(1))
    rig.toml = f'[folders.m]\npath = "{folder}"\naccount = "main"\n'
    rig.write_config()
    filled = await asyncio.to_thread(ran, rig, "backfill", environ=environ)
    assert filled.returncode == 0, filled.stderr.decode()
    assert rig.recorded(picture(1)) is not None
    for words in (("find", str(file)), ("status",), ("plan",), ("export",), ("check",)):
        printed = await asyncio.to_thread(ran, rig, *words, environ=environ)
        assert printed.returncode == 0, printed.stderr.decode()
        assert b"Traceback" not in printed.stderr
    return (await asyncio.to_thread(ran, rig, "find", str(file), environ=environ)).stdout


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
async def test_the_daemon_runs_with_closed_descriptors(rig: Rig, closed: tuple[int, ...]) -> None:
    rig.write("a.jpg", picture(1))
    ending = "".join(f" {number}>&-" for number in closed)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f'exec "$@"{ending}', "sh", sys.executable, "-m", "syncd", "run"),
        *("--config", str(rig.write_config())),
        env=rig.environ,
    )
    try:
        await until(lambda: rig.ledger.exists() and rig.recorded(picture(1)) is not None)
        opened = [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in closed]
        assert set(opened) == {os.devnull}
    finally:
        process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_a_reader_that_ends_early_causes_no_traceback(rig: Rig) -> None:
    rig.write_config()
    reading, writing = os.pipe()
    os.close(reading)
    try:
        for words in (("check", "--quick"), ("status",), ("find", "x")):
            printed = await asyncio.to_thread(ran, rig, *words, stdout=writing)
            assert b"Traceback" not in printed.stderr
            assert b"Exception ignored" not in printed.stderr
            unheard = await asyncio.to_thread(ran, rig, *words, stdout=writing, stderr=writing)
            assert unheard.returncode == printed.returncode
    finally:
        os.close(writing)


async def test_a_reader_that_ends_within_a_long_output_causes_no_traceback(rig: Rig) -> None:
    for number in range(100):
        rig.write(f"{number}{'x' * 200}.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: rig.rows("SELECT count(*) FROM file") == [(100,)])
        await daemon.end()
    reading, writing = os.pipe()
    os.close(reading)
    digest = hashlib.sha256(picture(1)).hexdigest()
    try:
        printed = await asyncio.to_thread(ran, rig, "find", digest, stdout=writing)
    finally:
        os.close(writing)
    assert (printed.returncode, printed.stderr) == (1, b"")


async def test_output_that_cannot_be_written_is_an_error_of_the_system(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.count("scan.done") > 0)
        await daemon.end()
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        printed = await asyncio.to_thread(ran, rig, "status", stdout=full)
    finally:
        os.close(full)
    assert printed.returncode == 74
    assert b"No space left" in printed.stderr
    assert b"Traceback" not in printed.stderr
