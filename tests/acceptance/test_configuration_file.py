"""The real process finds its configuration: before or after the command, or in the environment."""

import asyncio
import subprocess
import sys

from support.rig import Rig

from syncd import __version__


async def ran(rig: Rig, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "syncd", *words],
        env=rig.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_every_way_to_name_the_configuration_is_read(rig: Rig) -> None:
    file = str(rig.write_config())
    assert (await ran(rig, "backfill", "--config", file)).returncode == 0
    for words in (("status",), ("export",), ("ledger", "check")):  # read by `frequent`, or by typer
        for named in (("--config", file, *words), ("-c", file, *words), (*words, "--config", file)):
            ended = await ran(rig, *named)
            assert ended.returncode == 0, (named, ended.stderr)
        ended = await ran(rig, *words, SYNCD_CONFIG=file)
        assert ended.returncode == 0, (words, ended.stderr)
        ended = await ran(rig, *words, "--config", file, SYNCD_CONFIG="/nowhere/config.toml")
        assert ended.returncode == 0, (words, ended.stderr)
        ended = await ran(rig, *words, SYNCD_CONFIG="/nowhere/config.toml")
        assert (ended.returncode, "/nowhere/config.toml" in ended.stderr) == (78, True)


async def test_the_version_is_that_of_the_package(rig: Rig) -> None:
    ended = await ran(rig, "--version")
    assert (ended.returncode, ended.stdout) == (0, f"syncd {__version__}\n")
