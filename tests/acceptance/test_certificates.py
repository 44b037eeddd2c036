"""Certificate authorities of one's own, named in the environment of the process."""

from pathlib import Path

import pytest
from support.http_server import http, self_signed, serving
from support.process import syncd
from support.rig import Rig


async def test_the_process_trusts_the_authorities_that_ssl_cert_file_names(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(self_signed(tmp_path)) as server:
        server.response = http(b'{"id": "1", "name": "Somebody"}')
        config = rig.write_config()
        config.write_text(config.read_text().replace(rig.sandbox.url, server.url))
        rejected = await syncd(rig, "check", "--config", str(config))
        assert "is not valid: self-signed certificate" in rejected.out
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        trusted = await syncd(rig, "check", "--config", str(config))
    assert "ok  token of main  accepted: Somebody" in trusted.out
