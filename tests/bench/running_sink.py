"""The sink in a child process, and the certificate by which clients trust it."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.processes import ROOT, environ


@dataclass(frozen=True)
class Count:
    """The requests that a sink has received; `bytes` includes the HTTP headers."""

    posts: int
    images: int
    bytes: int


@dataclass(frozen=True)
class RunningSink:
    """The address of a running sink, and its certificate if it uses TLS."""

    port: int
    certificate: Path | None

    @property
    def url(self) -> str:
        return f"{'http' if self.certificate is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def trust(self) -> dict[str, str]:
        """The environment with which OpenSSL and `requests` trust the certificate."""
        if self.certificate is None:
            return {}
        path = str(self.certificate)
        return {"SSL_CERT_FILE": path, "REQUESTS_CA_BUNDLE": path}

    def count(self) -> Count:
        return Count(**self._get("/count"))

    def arrivals(self) -> dict[str, float]:
        """Return when each recorded name arrived, by the monotonic clock of this machine."""
        found: dict[str, float] = self._get("/arrivals")
        return found

    def _get(self, path: str) -> Any:
        if self.certificate is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
        else:
            context = ssl.create_default_context(cafile=str(self.certificate))
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


@contextmanager
def sink(
    certificate: Path | None = None,
    *,
    delay: float = 0.0,
    arrivals: str | None = None,
    errors: Mapping[int, int] = MappingProxyType({}),
) -> Iterator[RunningSink]:
    """Run a sink in a child process.

    `delay` is the time before each response, in seconds. The arrivals of names with the prefix
    `arrivals` are recorded. `errors` has the code of the error that
    every call of an account gets, by the digits of the account's id.
    """
    command = [sys.executable, "-m", "bench.sink", "--delay", str(delay)]
    command += [f"--fail={account}={code}" for account, code in errors.items()]
    command += ["--arrivals", arrivals] if arrivals is not None else []
    command += ["--certificate", str(certificate)] if certificate else []
    process = subprocess.Popen(command, cwd=ROOT, env=environ(), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield RunningSink(int(process.stdout.readline()), certificate)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def certificate(directory: Path) -> Path:
    """Create a self-signed certificate for 127.0.0.1 and its key with `openssl`."""
    path = directory / "certificate.pem"
    if not path.exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-subj", "/CN=syncd bench", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", f"{path}.crt"],
            check=True,
            capture_output=True,
        )  # fmt: skip
        path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path
