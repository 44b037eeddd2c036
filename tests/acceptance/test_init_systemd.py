"""`syncd init --systemd` under a real systemd: what it installs, replaces, keeps and removes."""

from collections.abc import Iterator

import pytest
from support.pictures import picture
from support.systemd_box import CONFIG, TOKEN, URL, Box, missing, until

WHY_NOT = missing()
pytestmark = [
    pytest.mark.skipif(WHY_NOT is not None, reason=f"NOT TESTED: init --systemd; {WHY_NOT}"),
    pytest.mark.timeout(240),
]

UNIT = "/usr/lib/systemd/system/syncd.service"
PLACES = ("/etc", "/usr/lib/systemd", "/usr/lib/sysusers.d", "/usr/lib/tmpfiles.d", "/var/lib",
          "/run/syncd")  # fmt: skip


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    box = Box(tmp_path_factory.mktemp("machine"))
    try:
        box.up()
        yield box
    finally:
        box.down()


@pytest.fixture
def box(machine: Box) -> Box:
    """A machine without anything of syncd but the program, and nothing enabled."""
    if machine.run("test", "-e", UNIT).code == 0:
        machine.do("syncd", "init", "--systemd", "--remove")
    machine.do("sh", "-c", "rm -rf /etc/syncd /etc/credstore/syncd.* /var/lib/syncd"
               " /etc/systemd/system/syncd*; userdel syncd 2>/dev/null; true")  # fmt: skip
    return machine


def files(box: Box) -> list[str]:
    """Return all files and links that are named after syncd, outside of its program."""
    return box.run("find", *PLACES, "-name", "syncd*").out.splitlines()


def test_init_installs_units_user_and_directories_and_names_the_next_commands(box: Box) -> None:
    out = box.do("syncd", "init", "--systemd")
    assert f"install    {UNIT}" in out
    assert "run        systemctl daemon-reload" in out
    assert out.endswith("Next:\n    sudo syncd init\n    sudo systemctl enable --now syncd\n")
    box.write("/etc/syncd/eu.toml", CONFIG)
    again = box.do("syncd", "init", "--systemd", "--config", "/etc/syncd/eu.toml")
    assert again.endswith(
        "Next:\n    sudo syncd check --config /etc/syncd/eu.toml\n"
        "    sudo systemctl enable --now syncd@eu syncd.target\n"
        "    sudo systemctl restart syncd@eu    # if it runs already\n"
        "    sudo systemctl try-restart syncd-web@eu    # the pages, if they are served\n"
    )
    assert box.one("syncd", "LoadState") == "loaded"
    assert "/usr/local/bin/syncd" in box.one("syncd", "ExecStart")
    box.do("id", "syncd")
    modes = box.do("stat", "-c", "%a", "/etc/syncd", "/etc/credstore", UNIT)
    assert modes.split() == ["755", "700", "644"]


def test_a_second_init_replaces_only_files_that_differ(box: Box) -> None:
    box.do("syncd", "init", "--systemd")
    original = box.do("cat", UNIT)
    box.write(UNIT, original + "# changed\n")
    box.write("/etc/systemd/system/syncd.service.d/mine.conf", "[Service]\nNice=5\n")
    box.write("/etc/syncd/config.toml", "mine")
    box.write("/etc/credstore/syncd.token", "mine", 0o600)
    out = box.do("syncd", "init", "--systemd")
    assert [line.split()[1] for line in out.splitlines() if line.startswith("replace")] == [UNIT]
    assert "install  " not in out
    assert box.do("cat", UNIT) == original
    assert box.one("syncd", "Nice") == "5"
    kept = box.do("cat", "/etc/syncd/config.toml", "/etc/credstore/syncd.token")
    assert kept == "minemine"


def test_a_dry_run_prints_the_same_steps_and_changes_nothing(box: Box) -> None:
    before = files(box)
    dry = box.do("syncd", "init", "--systemd", "--dry-run")
    assert files(box) == before
    assert box.do("syncd", "init", "--systemd").startswith(dry)
    installed = files(box)
    dry = box.do("syncd", "init", "--systemd", "--remove", "--dry-run")
    assert files(box) == installed
    assert dry.splitlines()[:5] == box.do("syncd", "init", "--systemd", "--remove").splitlines()[:5]


def test_a_removal_stops_everything_and_keeps_only_what_it_names(box: Box) -> None:
    box.do("syncd", "init", "--systemd")
    box.write("/etc/systemd/system/graph-api.service",
              "[Service]\nExecStart=/usr/local/bin/syncd sandbox\n")  # fmt: skip
    box.write("/etc/systemd/system/syncdog.service", "[Service]\nExecStart=sleep 1000\n")
    box.write("/etc/syncd/config.toml", CONFIG)
    box.write("/etc/syncd/eu.toml", CONFIG.replace('id = "1"', 'id = "2"'))
    box.write("/etc/syncd/us.toml", f'{CONFIG}[web]\nlisten = "127.0.0.1:8781"\n')
    for token in ("syncd.token", "syncd.eu.token"):
        box.write(f"/etc/credstore/{token}", TOKEN, 0o600)
    box.do("mkdir", "-p", "/srv/spring")
    box.do("systemctl", "daemon-reload")
    box.do("systemctl", "start", "graph-api", "syncdog")
    box.await_sandbox()
    box.do("systemctl", "enable", "--now", "syncd", "syncd@eu", "syncd.target")
    box.do("systemctl", "enable", "--now", "syncd-watch@syncd.timer", "syncd-web", "syncd-web@us")

    out = box.do("syncd", "init", "--systemd", "--remove")

    assert box.one("syncd@eu", "ActiveState") == box.one("syncd", "ActiveState") == "inactive"
    for unit in ("syncd-web", "syncd-web@us"):
        assert box.one(unit, "ActiveState") == "inactive"
    assert box.one("syncd-watch@syncd.timer", "ActiveState") == "inactive"
    assert box.one("syncd", "LoadState") == "not-found"
    assert box.one("syncdog", "ActiveState") == "active"
    box.do("systemctl", "stop", "graph-api", "syncdog")
    box.do("rm", "/etc/systemd/system/graph-api.service", "/etc/systemd/system/syncdog.service")
    assert set(files(box)) == {
        "/etc/syncd",
        "/etc/credstore/syncd.token",
        "/etc/credstore/syncd.eu.token",
        "/var/lib/syncd",
    } | {path for path in files(box) if path.startswith("/var/lib/syncd-watch")}
    printed = out[out.index("These commands remove them") :].splitlines()[1:]
    for line in printed:
        box.do("sh", "-c", line.strip().removeprefix("sudo "))
    box.do("rm", "-rf", "/var/lib/syncd-watch")
    assert files(box) == []
    assert box.run("id", "syncd").code != 0


@pytest.mark.parametrize("name", ["config", "eu"])
def test_the_commands_that_init_names_start_the_service(box: Box, name: str) -> None:
    box.write("/etc/systemd/system/graph-api.service",
              "[Service]\nExecStart=/usr/local/bin/syncd sandbox\n")  # fmt: skip
    box.do("systemctl", "daemon-reload")
    box.do("systemctl", "start", "graph-api")
    box.await_sandbox()
    box.do("mkdir", "-p", "/srv/spring")
    box.write("/tmp/token", TOKEN)
    box.do("syncd", "init", "--systemd")
    out = box.do("syncd", "init", "--config", f"/etc/syncd/{name}.toml", "--account", "main=1",
                 "--folder", "spring=/srv/spring:main", "--token-file", "/tmp/token",
                 "--base-url", URL)  # fmt: skip
    (command,) = out[out.index("Next:\n") :].splitlines()[1:]
    box.do("sh", "-c", command.strip().removeprefix("sudo "))
    unit = "syncd" if name == "config" else f"syncd@{name}"
    assert box.one(unit, "ActiveState") == "active"
    assert box.do("systemctl", "is-enabled", unit) == "enabled\n"
    state = "/var/lib/syncd" if name == "config" else f"/var/lib/syncd/{name}"
    assert box.do("stat", "-c", "%U %a", f"{state}/ledger.db") == "syncd 600\n"
    box.do("systemctl", "stop", unit, "graph-api")


def test_a_removal_without_units_does_nothing(box: Box) -> None:
    ended = box.run("syncd", "init", "--systemd", "--remove")
    assert (ended.code, ended.out) == (0, "no units of syncd are installed\n")


def test_only_root_installs_units(box: Box) -> None:
    for option in ("", " --remove"):
        command = f"syncd init --systemd{option}"
        ended = box.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                        *command.split())  # fmt: skip
        assert ended.code == 1
        assert ended.err == (
            f"syncd: only root can change the units of this machine: sudo {command}\n"
        )


def test_a_failing_step_ends_init_with_its_reason(box: Box) -> None:
    box.write("/usr/local/bin/systemd-tmpfiles", "#!/bin/sh\nexit 5\n", 0o755)
    try:
        ended = box.run("syncd", "init", "--systemd")
    finally:
        box.do("rm", "/usr/local/bin/systemd-tmpfiles")
    assert ended.code == 74
    assert "systemd-tmpfiles ended with 5" in ended.err


RECEIVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        with open("/tmp/notified", "ab") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
HTTPServer(("127.0.0.1", 8770), Receiver).serve_forever()
"""
"""A receiver of notifications, which adds them to a file."""


async def test_a_credential_is_the_url_of_a_receiver_for_the_service_and_for_root(box: Box) -> None:
    key = "T0SECRETKEY-0123456789"
    box.install(
        f'{CONFIG}[[notify]]\nurl = {{ credential = "syncd.webhook" }}\non = ["image.held"]\n'
    )
    box.write("/etc/credstore/syncd.webhook", f"http://127.0.0.1:8770/{key}\n", 0o600)
    drop_in = "[Service]\nLoadCredential=syncd.webhook\n"
    box.write("/etc/systemd/system/syncd.service.d/webhook.conf", drop_in)
    box.write("/srv/spring/1.jpg", picture(1))
    box.write("/etc/receiver.py", RECEIVER)
    box.do("systemctl", "daemon-reload")
    box.do("systemd-run", "--unit=receiver", "/usr/bin/python3", "/etc/receiver.py")
    await until(lambda: box.run("syncd", "notify", "test").code == 0)
    refused = box.run("runuser", "-u", "nobody", "--", "syncd", "notify", "test")
    assert "a URL is a systemd credential, which only root can read" in refused.err
    box.do("systemctl", "restart", "syncd")
    await until(lambda: '"image.held"' in box.do("cat", "/tmp/notified"))
    assert key not in box.do("journalctl", "--no-pager", "-q", "-u", "syncd")
