"""`syncd check` as an administrator runs it, under systemd: what it prints, and its commands."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.pictures import picture
from support.systemd_box import CONFIG, TOKEN, Box, Ran, until

SETFACL = Path(__file__).parent / "setfacl"


@contextmanager
def checked_machine(directory: Path) -> Iterator[Box]:
    """Boot a machine on which syncd was installed with the commands of the README."""
    box = Box(directory)
    try:
        box.up()
        if shutil.which("setfacl") is None:
            box.write("/usr/local/bin/setfacl", SETFACL.read_bytes(), 0o755)
        box.do("useradd", "--create-home", "--user-group", "anna")
        box.do("groupadd", "creatives")
        box.install(CONFIG)
        yield box
    finally:
        box.down()


def as_new(machine: Box) -> Box:
    """Return the machine with nothing running, one folder with one image, and an empty API."""
    machine.run("systemctl", "stop", "syncd*")
    machine.run("systemctl", "reset-failed")
    machine.do("sh", "-c", "rm -rf /var/lib/syncd /srv /etc/credstore*/syncd.* /etc/syncd/*"
               " /etc/systemd/system/*.service.d /home/anna/* /root/token; mkdir -m 755 /srv;"
               " chmod 755 /home/anna; rm -rf /tmp/spring;"
               " gpasswd -d syncd creatives; gpasswd -d syncd anna; true")  # fmt: skip
    machine.write("/etc/syncd/config.toml", CONFIG)
    machine.write("/etc/credstore/syncd.token", f"{TOKEN}\n", 0o600)
    machine.write("/srv/spring/1.jpg", picture(1))
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", "graph-api")
    machine.await_sandbox()
    machine.forget_journal()
    return machine


def check(box: Box, *words: str) -> Ran:
    return box.run("syncd", "check", *words)


def bad(ran: Ran) -> list[str]:
    return [line for line in ran.out.splitlines() if line.startswith("BAD")]


def fix(box: Box, ran: Ran) -> list[str]:
    """Run each printed command in a shell, unchanged, and return the commands."""
    lines = [line[4:] for line in ran.out.splitlines() if line.startswith("    ")]
    assert lines, ran.out
    for line in lines:
        typed = f"echo {TOKEN} | {line}" if "/dev/stdin" in line else line
        box.do("bash", "-c", typed)
    return lines


def assert_all_ok(box: Box) -> None:
    ran = check(box)
    assert (ran.code, bad(ran)) == (0, []), ran.out + ran.err


async def await_upload_by_service(box: Box, unit: str = "syncd") -> None:
    box.do("systemctl", "start", unit)
    await until(lambda: box.held() == 1, lambda: box.journal(unit))
