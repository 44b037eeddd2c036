"""Faults of the network: each delays the images that it meets, is logged, and ends by itself."""

import ssl
from pathlib import Path

import pytest
from support.mounts import Mounts
from support.network import HOST, certificate, front, name_server
from support.pictures import picture
from support.process import Daemon, running
from support.rig import Rig, until

FAULTS = {
    "": "its name cannot be resolved",
    "future": "certificate is not yet valid; this machine's clock is at 20",
    "hang": "did not respond within 1 s",
    "drip": "did not respond within 1 s",
    "reset": "was closed before the response was complete",
}
"""The reason in the log, by fault; the first one is that of a name server without a response."""


async def test_an_image_waits_while_the_network_fails_and_is_sent_when_it_works_again(
    rig: Rig, mounts: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = certificate(rig.path / "now", "20200101000000Z", "20400101000000Z")
    future = certificate(rig.path / "future", "20400101000000Z", "20410101000000Z")
    trust(rig.path / "trusted.pem", monkeypatch, now[0], future[0])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*now)
    rig.timeout = "1s"
    with name_server(rig.path, mounts) as names:
        async with front(context, rig.sandbox.url) as server:
            file = rig.write_config()
            url = f"https://{HOST}:{server.port}"
            file.write_text(file.read_text().replace(rig.sandbox.url, url))
            names.responds = False
            async with running(rig, "run", "--config", str(file), under=mounts.under) as daemon:
                for number, (fault, why) in enumerate(FAULTS.items()):
                    if fault == "future":
                        context.load_cert_chain(*future)
                    server.begin(fault)
                    name = f"{number}.jpg"
                    rig.write(name, picture(number))
                    await wait_for_line(daemon, "event=image.retrying", name, why)
                    names.responds = True
                    server.begin("")
                    context.load_cert_chain(*now)
                    await wait_for_line(daemon, "event=image.held", name)
                assert await daemon.end() == 0


def trust(file: Path, monkeypatch: pytest.MonkeyPatch, *certificates: Path) -> None:
    """Let the processes of a test trust these certificates alone."""
    file.write_text("".join(one.read_text() for one in certificates))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


async def wait_for_line(daemon: Daemon, *words: str) -> None:
    await until(lambda: daemon.logged(*words))


async def test_a_stop_does_not_wait_for_a_name_server(rig: Rig, mounts: Mounts) -> None:
    with name_server(rig.path, mounts) as names:
        names.responds = False
        rig.timeout = "1s"
        file = rig.write_config()
        file.write_text(file.read_text().replace(rig.sandbox.url, f"https://{HOST}"))
        async with running(rig, "run", "--config", str(file), under=mounts.under) as daemon:
            await until(lambda: names.asked > 0)
            assert await daemon.end() == 0
    assert daemon.logged("event=daemon.stopped")
