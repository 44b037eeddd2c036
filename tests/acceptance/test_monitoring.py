"""Health and metrics of the real process, from its start to its end."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from support.exposition import Samples, promtool
from support.page_client import Fetched, fetch
from support.pictures import picture
from support.process import running
from support.rig import DEADLINE, Rig, until
from support.tcp import free_port

from syncd.config.listen import TcpAddress
from syncd.monitoring.metrics import METRICS
from syncd.sandbox.faults import Fault


async def wait_for(listen: Path, path: str, status: int, *words: str) -> Fetched:
    """Wait until a page has this status and these words in its content; return it."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                found = await fetch(listen, path)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.01)
                continue
            if found.status == status and all(word in found.text for word in words):
                return found
            await asyncio.sleep(0.01)


async def test_health_follows_the_process_from_its_start_to_its_end(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    listen = rig.path / "metrics.sock"
    rig.toml = f'[metrics]\nlisten = "{listen}"'
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("scan.done"))  # the ledger exists
        assert await daemon.end() == 0
    assert not listen.exists()
    rig.sandbox.faults.add(Fault("slow", seconds=2.0, on="upload"))
    lock = ExitStack()
    lock.enter_context(rig.locked_ledger())  # the start waits for it
    async with running(rig) as daemon:
        with lock:
            await wait_for(listen, "/readyz", 503, "starting")
            await wait_for(listen, "/healthz", 503, "stuck", "ledger writer makes no progress")
            await wait_for(listen, "/readyz", 503, "starting", "ledger writer makes no progress")
        ready = await wait_for(listen, "/readyz", 200)
        assert ready.json == {"status": "ready", "reasons": []}
        await wait_for(listen, "/healthz", 200)
        rig.write("a.jpg", picture(1))
        await until(lambda: rig.sandbox.counts.calls("1", "upload") == 1)
        rig.workers = 5
        rig.write_config()
        daemon.hang_up()  # the upload in progress delays the reload
        await wait_for(listen, "/readyz", 503, "reloading")
        assert (await fetch(listen, "/healthz")).json == {"status": "alive", "reasons": []}
        await wait_for(listen, "/readyz", 200)
        assert daemon.logged("daemon.reloaded", "workers: 4 → 5")
        rig.write("b.jpg", picture(2))
        await until(lambda: rig.sandbox.counts.calls("1", "upload") == 2)
        ending = asyncio.create_task(daemon.end())
        await wait_for(listen, "/readyz", 503, "stopping")
        assert await ending == 0
    assert not listen.exists()


@asynccontextmanager
async def prometheus(directory: Path, target: TcpAddress) -> AsyncIterator[TcpAddress]:
    """Run a Prometheus that scrapes a target; yield its address."""
    if shutil.which("prometheus") is None:
        pytest.skip("NOT TESTED: prometheus is not installed (apt-get install prometheus)")
    config = {
        "global": {"scrape_interval": "500ms"},
        "scrape_configs": [
            {"job_name": "syncd", "static_configs": [{"targets": [str(target)]}]},
        ],
    }
    file = directory / "prometheus.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    address = TcpAddress("127.0.0.1", free_port())
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={file}",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address={address}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield address
    finally:
        process.kill()
        await process.wait()


async def query(server: TcpAddress, expression: str) -> list[tuple[dict[str, str], float]]:
    """Return the labels and values that a Prometheus has for an expression."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{server}/api/v1/query", params={"query": expression}) as response,
    ):
        found = await response.json()
    return [(one["metric"], float(one["value"][1])) for one in found["data"]["result"]]


async def wait_for_query(server: TcpAddress, expression: str, expected: float) -> dict[str, str]:
    """Wait until an expression has one result with this value; return its labels."""
    async with asyncio.timeout(2 * DEADLINE):
        while True:
            try:
                match await query(server, expression):
                    case [(labels, value)] if value == expected:
                        return labels
            except aiohttp.ClientError:  # it does not listen yet
                pass
            await asyncio.sleep(0.05)


@pytest.mark.prometheus
async def test_a_prometheus_scrapes_the_daemon_also_after_a_reload(
    rig: Rig, tmp_path: Path
) -> None:
    listen, textfile = TcpAddress("127.0.0.1", free_port()), rig.path / "syncd.prom"
    rig.toml = f'[metrics]\nlisten = "{listen}"\ntextfile = "{textfile}"'
    held = 'syncd_images{account="main",state="held",job="syncd"}'
    calls = 'syncd_calls_total{account="main",kind="upload",outcome="ok"}'
    rig.write("a.jpg", picture(1))
    async with running(rig) as daemon, prometheus(tmp_path, listen) as server:
        await wait_for_query(server, held, 1)
        await wait_for_query(server, calls, 1)
        await wait_for_query(server, "syncd_ready", 1)
        text = (await fetch(listen, "/metrics")).text
        assert promtool("check", "metrics", stdin=text) == ""
        found = Samples(text)
        missing = {"syncd_token_expiry_timestamp_seconds"}  # it has no app secret to inspect it
        names = {metric.name.removesuffix("_total") for metric in METRICS}
        assert names - set(found.families) == missing
        for name in ("memory_bytes", "cpu_seconds_total"):
            assert (found.value(f"process_{name.replace('memory', 'resident_memory')}") or 0) > 0
        assert (found.value("process_open_fds") or 0) > 3
        assert Samples(textfile.read_text()).value("syncd_ready") is not None

        rig.workers = 5
        rig.write("b.jpg", picture(2))
        rig.write_config()
        daemon.hang_up()
        await until(lambda: daemon.logged("daemon.reloaded", "workers: 4 → 5"))
        await wait_for_query(server, held, 2)
        await wait_for_query(server, calls, 2)
        assert await query(server, f"resets({calls}[5m]) > 0") == []

        rig.toml = ""
        rig.write_config()
        daemon.hang_up()
        await until(lambda: daemon.logged("daemon.reloaded", f"metrics.listen: {listen} → not set"))
        with pytest.raises(aiohttp.ClientError):
            await fetch(listen, "/metrics")
        assert not textfile.exists()
        assert await daemon.end() == 0
    assert not daemon.logged("metrics.unavailable")


async def test_without_prometheus_client_health_alone_is_served_until_it_is_installed(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "prometheus_client.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'prometheus_client'\", name=__name__)"
    )
    monkeypatch.setenv("PYTHONPATH", str(blocked))
    listen, textfile = rig.path / "metrics.sock", rig.path / "syncd.prom"
    rig.toml = f'[metrics]\nlisten = "{listen}"\ntextfile = "{textfile}"'
    async with running(rig) as daemon:
        await wait_for(listen, "/readyz", 200)
        found = await fetch(listen, "/metrics")
        assert found.status == 501
        assert found.text == ("prometheus-client is not installed: pip install 'syncd[metrics]'\n")
        assert daemon.logged("warning", "metrics.unavailable", "pip install 'syncd[metrics]'")
        assert daemon.count("metrics.unavailable") == 1
        assert not textfile.exists()
        (blocked / "prometheus_client.py").unlink()
        daemon.hang_up()
        await until(lambda: daemon.logged("notice", "metrics.available", "what=/metrics"))
        await until(textfile.exists)
        await wait_for(listen, "/metrics", 200, "syncd_ready")
        assert await daemon.end() == 0


async def test_without_metrics_neither_the_library_nor_a_server_is_imported(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")  # each import is a line on stderr
    rig.write("a.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(picture(1)) is not None)
        assert await daemon.end() == 0
    imported = {line.rpartition("|")[2].strip() for line in daemon.lines}
    assert "aiohttp" in imported
    assert not {"aiohttp.web", "prometheus_client", "syncd.monitoring.pages"} & imported


async def test_a_backfill_shows_its_metrics_until_it_ends(rig: Rig) -> None:
    listen = rig.path / "metrics.sock"
    rig.toml = f'[metrics]\nlisten = "{listen}"'
    rig.sandbox.faults.add(Fault("slow", seconds=3.0, on="upload"))
    rig.write("a.jpg", picture(1))
    async with running(rig, "backfill", "--config", str(rig.write_config())) as command:
        await until(lambda: rig.sandbox.counts.calls("1", "upload") == 1)
        await wait_for(listen, "/readyz", 200)
        async with asyncio.timeout(DEADLINE):
            assert await command.process.wait() == 0
    assert not listen.exists()
