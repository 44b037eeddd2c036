"""A real systemd in temporary namespaces, with syncd installed by the commands in the README.

Limits of memory, tasks, CPU and IO, and a network beyond the loopback cannot be tested in it.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from support.readme import ROOT, lines_of

DEADLINE = 30.0  # seconds
URL = "http://127.0.0.1:8765"
TOKEN = "sandbox-token"
"""The token that `syncd sandbox` accepts."""
CONFIG = f"""
[graph]
base_url = "{URL}"
token = {{ credential = "syncd.token" }}
[accounts.main]
id = "1"
[folders.spring]
path = "/srv/spring"
account = "main"
[watch]
settle = "0s"
"""
"""One folder and one account of the Graph API in the box, with the credential of the unit."""

_INIT = (
    f"syncd init --account main=1 --folder spring=/srv/spring:main --base-url {URL}"
    " --token-file /tmp/token && cp /tmp/config.toml /etc/syncd/"
)
"""`syncd init` without questions, and then with the configuration of a test."""
_GRAPH_API = "[Service]\nExecStart=/usr/local/bin/syncd sandbox --tier unlimited\n"
_SCRIPT = Path(__file__).parent / "systemd_box"
_PYTHON = "/usr/bin/python3"
_PACKAGES = [path for path in sys.path if path.endswith("site-packages")]
_BOUND = {str(ROOT): "/opt/syncd/source"} | {
    path: f"/opt/syncd/packages-{number}" for number, path in enumerate(_PACKAGES)
}
"""Paths of the source and its dependencies in the box: not in /root, which the units hide."""

_COMMAND = f"""#!{_PYTHON} -I
import sys
sys.path[:0] = {list(_BOUND.values())}
from syncd.cli import main
main()
"""


def missing() -> str | None:
    """Return why no box can be booted here, or None."""
    if os.geteuid() != 0:
        return "it needs root"
    for program in ("unshare", "nsenter", "setpriv", "systemctl", "systemd-sysusers"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed"
    places = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/cgroup.controllers")
    if not any(Path(place).exists() for place in places):
        return "cgroups of version 2 are not available"
    version = subprocess.run(
        [_PYTHON, "-c", "import sys; print(*sys.version_info[:2])"],
        check=False,
        capture_output=True,
        text=True,
    ).stdout.split()
    if version != [str(part) for part in sys.version_info[:2]]:
        return (
            f"{_PYTHON} is not the Python that runs the tests, but the only one that units can use"
        )
    tried = subprocess.run(
        ["unshare", "--mount", "--cgroup", "--uts", "--ipc", "--net", "--pid", "--fork", "true"],
        check=False,
        capture_output=True,
        text=True,
    )
    return (
        None if tried.returncode == 0 else f"namespaces cannot be created: {tried.stderr.strip()}"
    )


@dataclass(frozen=True)
class Ran:
    """The exit code and the output of a command in the box."""

    code: int
    out: str
    err: str


class Box:
    """A running box: commands in it, its files, its units and its journal."""

    def __init__(self, directory: Path) -> None:
        files = directory / "files"
        command = files / "usr/local/bin/syncd"
        command.parent.mkdir(parents=True)
        command.write_text(_COMMAND)
        command.chmod(0o755)
        self._environ = {
            **os.environ,
            "SYSD_NAME": f"syncd-test-{os.getpid()}",
            "SYSD_DIR": str(directory / "box"),
            "SYSD_FILES": str(files),
            "SYSD_BIND": " ".join(f"{here}:{there}" for here, there in _BOUND.items()),
        }
        (directory / "box").mkdir()

    def up(self) -> None:
        self._script("up")
        self.root = Path(self._script("root").out.strip())

    def down(self) -> None:
        self._script("down")

    def _script(self, *words: str) -> Ran:
        ended = self._ran(*words)
        assert ended.code == 0, ended.err
        return ended

    def _ran(self, *words: str) -> Ran:
        ended = subprocess.run(
            [_SCRIPT, *words],
            env=self._environ,
            check=False,
            capture_output=True,
            text=True,
            timeout=DEADLINE * 2,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def run(self, *words: str) -> Ran:
        """Run a command in the box, and return how it ended."""
        return self._ran("run", *words)

    def do(self, *words: str) -> str:
        """Run a command that must succeed, and return what it printed."""
        ended = self.run(*words)
        assert ended.code == 0, f"{words}: {ended.code}\n{ended.out}\n{ended.err}"
        return ended.out

    def at(self, path: str) -> Path:
        """Return the path of a file of the box on this machine."""
        return self.root / path.lstrip("/")

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Write a file in the box, and create its directories."""
        file = self.at(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(mode)

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Return properties of a unit."""
        out = self.do("systemctl", "show", unit, f"--property={','.join(names)}")
        return dict(line.split("=", 1) for line in out.splitlines())

    def one(self, unit: str, name: str) -> str:
        return self.show(unit, name)[name]

    def forget_journal(self) -> None:
        """Let `journal` and `records` begin after the present entries."""
        self.do("journalctl", "--sync")
        last = self.do("journalctl", "--no-pager", "--quiet", "-n1", "-o", "json")
        self._cursor = json.loads(last)["__CURSOR"]

    def journal(self, unit: str, form: str = "cat") -> str:
        after = f"--after-cursor={self._cursor}"
        return self.do("journalctl", "--no-pager", "--quiet", after, "-o", form, "-u", unit)

    def records(self, *words: str) -> list[dict[str, Any]]:
        """Return the entries since `forget_journal` that match these arguments of journalctl."""
        self.do("journalctl", "--sync")
        found = self.do("journalctl", "--no-pager", "--quiet", "-o", "json", "-a", *words)
        records = [json.loads(line) for line in found.splitlines()]
        # With other filters, --after-cursor omits the first entry that matches (systemd 252).
        return [one for one in records if _number(one["__CURSOR"]) > _number(self._cursor)]

    def status(self, unit: str) -> str:
        return self.one(unit, "StatusText")

    def sandbox(self) -> dict[str, Any]:
        """Return the report of the Graph API in the box."""
        report: dict[str, Any] = json.loads(self._request("GET", "/sandbox.json"))
        return report

    def install(self, config: str) -> None:
        """Start the Graph API, and install syncd by the README's commands."""
        self.write("/etc/systemd/system/graph-api.service", _GRAPH_API)
        self.do("systemctl", "daemon-reload")
        self.do("systemctl", "start", "graph-api")
        self.write("/tmp/config.toml", config)
        self.do("mkdir", "-p", "/srv/spring")
        self.await_sandbox()
        self.write("/tmp/token", TOKEN, 0o600)
        self.write("/tmp/install", as_root(installation()))
        self.do("sh", "-c", "cd /opt/syncd/source && bash /tmp/install")

    def await_sandbox(self) -> None:
        """Wait until the Graph API in the box accepts connections."""
        code = (
            "import socket, time\n"
            "while True:\n"
            " try: socket.create_connection(('127.0.0.1', 8765)).close(); break\n"
            " except OSError: time.sleep(0.02)"
        )
        self.do("timeout", str(DEADLINE), _PYTHON, "-c", code)

    def held(self) -> int:
        return sum(account["held"] for account in self.sandbox()["accounts"])

    def fault(self, spec: str) -> None:
        self._request("POST", "/sandbox/faults", spec)

    def _request(self, method: str, path: str, body: str = "") -> str:
        code = (
            "import sys, urllib.request as u; m, a, b = sys.argv[1:];"
            "r = u.Request(a, b.encode() or None, method=m); print(u.urlopen(r).read().decode())"
        )
        return self.do(_PYTHON, "-c", code, method, URL + path, body)


def _number(cursor: str) -> int:
    """Return the position in the journal that a cursor names."""
    return int(dict(part.split("=", 1) for part in cursor.split(";"))["i"], 16)


async def until(condition: Callable[[], bool], actual: Callable[[], str] = str) -> None:
    """Wait for a condition in the box; `actual` returns what is shown when it stays false."""
    try:
        async with asyncio.timeout(DEADLINE):
            while not condition():  # noqa: ASYNC110  systemd sets no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE} s\n{actual()}") from None


async def see_pages(box: Box, text: str) -> None:
    """Start `syncd-web`, wait until its overview contains a text, and stop it."""
    box.do("systemctl", "start", "syncd-web")
    fetch = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8780/').read().decode())"
    page = partial(box.run, _PYTHON, "-c", fetch)
    await until(lambda: text in page().out, lambda: box.journal("syncd-web"))
    box.do("systemctl", "stop", "syncd-web")
    assert box.one("syncd-web", "Result") == "success"


def installation() -> list[str]:
    """Return the README's commands that install syncd as a service.

    pipx is left out, because it downloads packages, and options take the place of the questions
    that `syncd init` asks.
    """
    lines = [line for line in lines_of("systemd") if "pipx" not in line]
    asks = lines.index("sudo syncd init")
    return [*lines[:asks], _INIT, *lines[asks + 1 :]]


def as_root(lines: Iterable[str]) -> str:
    """Return a script of commands that the README runs with sudo."""
    return "\n".join(["set -eu", 'sudo() { "$@"; }', *lines])
