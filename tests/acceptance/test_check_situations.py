"""The judgement of `syncd check` in many situations, compared with what the started service meets.

Each situation is a drop-in of the unit, a script that prepares the machine, or both.
"""

import asyncio
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from support.pictures import picture
from support.systemd_box import CONFIG, DEADLINE, TOKEN, Box, Ran, missing, until

WHY_NOT = missing()
pytestmark = [
    pytest.mark.skipif(
        WHY_NOT is not None, reason=f"NOT TESTED: check under a real systemd; {WHY_NOT}"
    ),
    pytest.mark.timeout(240),
]


@dataclass(frozen=True)
class Situation:
    """A drop-in, a script, and changes of the configuration; `bad` is the first BAD subject."""

    unit: str = ""
    script: str = ""
    folder: str = "/srv/spring"
    token: str = '{ credential = "syncd.token" }'
    ledger: str = ""
    bad: str = ""


HOME, TMP = "/home/anna/spring", "/tmp/spring"
TO_HOME, TO_TMP = f"mv /srv/spring {HOME}", f"mv /srv/spring {TMP}"
PROGRAM = "mkdir -p /root/v; cp /usr/local/bin/syncd /root/v/; chmod -R 755 /root/v"
PYTHON = "mkdir -p /root/v; cp /usr/bin/python3 /root/v/; sed '1s,.*,#!/root/v/python3 -I,' /usr/local/bin/syncd > /usr/local/bin/syncd-x; chmod 755 /usr/local/bin/syncd-x"  # noqa: E501
RUN = "ExecStart=\nExecStart={} run --config /etc/syncd/config.toml"
LEDGER = "/srv/ledger/ledger.db"
OWN_LEDGER = "install -d -o syncd -g syncd -m 700 /srv/ledger"

SITUATIONS = {
    "the unit as it is shipped": Situation(),
    "home hidden by yes": Situation("ProtectHome=yes", TO_HOME, HOME, bad="folder spring"),
    "home hidden by tmpfs": Situation("", TO_HOME, HOME, bad="folder spring"),
    "home read-only": Situation("ProtectHome=read-only", TO_HOME, HOME),
    "home not protected": Situation("ProtectHome=no", TO_HOME, HOME),
    "home bound below tmpfs": Situation(f"BindReadOnlyPaths={HOME}", TO_HOME, HOME),
    "home bound below yes": Situation(
        f"ProtectHome=yes\nBindReadOnlyPaths={HOME}", TO_HOME, HOME, bad="folder spring"
    ),
    "a closed home that is bound": Situation(
        f"BindReadOnlyPaths={HOME}", f"{TO_HOME}; chmod 700 /home/anna", HOME
    ),
    "a closed home that is not hidden": Situation(
        "ProtectHome=no", f"{TO_HOME}; chmod 700 /home/anna", HOME, bad="folder spring"
    ),
    "a bound path with a blank and a percent sign": Situation(
        'BindReadOnlyPaths="/home/anna/50%% off"',
        "mv /srv/spring '/home/anna/50% off'",
        "/home/anna/50% off",
    ),
    "an empty file system above": Situation("TemporaryFileSystem=/srv", bad="folder spring"),
    "an empty file system in its place": Situation(
        "TemporaryFileSystem=/srv/spring", bad="folder spring"
    ),
    "bound below an empty file system": Situation(
        "TemporaryFileSystem=/srv\nBindReadOnlyPaths=/srv/spring"
    ),
    "inaccessible": Situation("InaccessiblePaths=/srv/spring", bad="folder spring"),
    "inaccessible above": Situation("InaccessiblePaths=/srv", bad="folder spring"),
    "an inaccessible path that is missing": Situation("InaccessiblePaths=-/none"),
    "a bind mount without its source": Situation("BindPaths=/srv/none", bad="service"),
    "an optional bind mount without its source": Situation("BindPaths=-/srv/none"),
    "another directory in its place": Situation(
        "BindReadOnlyPaths=/srv/other:/srv/spring", "mkdir /srv/other", bad="folder spring"
    ),
    "bound to itself": Situation("BindReadOnlyPaths=/srv/spring"),
    "no such folder": Situation(script="rm -r /srv/spring", bad="folder spring"),
    "a closed file": Situation(script="chmod 600 /srv/spring/1.jpg", bad="folder spring"),
    "a root without a program": Situation(
        "RootDirectory=/srv/jail", "mkdir /srv/jail", bad="program"
    ),
    "a root that does not exist": Situation("RootDirectory=/srv/none", bad="service"),
    "narrow executable paths": Situation("ExecPaths=\nExecPaths=/opt", bad="program"),
    "a directory of the program that is not executable": Situation(
        "NoExecPaths=/usr/local/bin", bad="program"
    ),
    "a program below /root": Situation(RUN.format("/root/v/syncd"), PROGRAM, bad="program"),
    "an interpreter below /root": Situation(
        RUN.format("/usr/local/bin/syncd-x"), PYTHON, bad="program"
    ),
    "no such program": Situation(RUN.format("/usr/local/bin/none"), bad="program"),
    "no such user": Situation("User=no-such-user", bad="service"),
    "no such group": Situation("Group=no-such-group", bad="service"),
    "root without its capabilities": Situation(
        "User=root\nGroup=root",
        "chown -R anna: /srv/spring; chmod 700 /srv/spring",
        bad="folder spring",
    ),
    "a capability to read everything": Situation(
        "PrivateUsers=no\nCapabilityBoundingSet=CAP_DAC_READ_SEARCH\n"
        "AmbientCapabilities=CAP_DAC_READ_SEARCH",
        "chmod 700 /srv/spring",
    ),
    "a closed folder": Situation(script="chmod 700 /srv/spring", bad="folder spring"),
    "a folder of a group": Situation(
        script="chgrp -R creatives /srv/spring; chmod -R o= /srv/spring", bad="folder spring"
    ),
    "a supplementary group": Situation(
        "SupplementaryGroups=creatives",
        "chgrp -R creatives /srv/spring; chmod -R o= /srv/spring",
    ),
    "a state directory of root": Situation(script="install -d -m 700 /var/lib/syncd"),
    "a ledger of root": Situation(
        script="install -d -o syncd -g syncd -m 700 /var/lib/syncd;"
        " install -m 600 /usr/bin/true /var/lib/syncd/ledger.db",
        bad="ledger",
    ),
    "a read-only state directory": Situation("ReadOnlyPaths=/var/lib/syncd", bad="ledger"),
    "another state directory": Situation("StateDirectory=\nStateDirectory=other"),
    "a ledger elsewhere": Situation(script=OWN_LEDGER, ledger=LEDGER, bad="ledger"),
    "a writable ledger elsewhere": Situation(
        "ReadWritePaths=/srv/ledger", OWN_LEDGER, ledger=LEDGER
    ),
    "a ledger outside the protected system": Situation(
        "ProtectSystem=full", OWN_LEDGER, ledger=LEDGER
    ),
    "a private /tmp": Situation("", TO_TMP, TMP, bad="folder spring"),
    "a shared /tmp": Situation("PrivateTmp=no", TO_TMP, TMP),
    "a private network": Situation("PrivateNetwork=yes", bad="token of main"),
    "no internet addresses": Situation(
        "RestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX", bad="token of main"
    ),
    "a credential without its file": Situation(
        "LoadCredential=syncd.token:/none", bad="service"
    ),
    "a credential without its file in the store": Situation(
        script="rm /etc/credstore/syncd.token", bad="token of main"
    ),
    "a credential in the text of the unit": Situation(
        f"LoadCredential=\nSetCredential=syncd.token:{TOKEN}", "rm /etc/credstore/syncd.token"
    ),
    "a quoted variable in a file": Situation(
        "EnvironmentFile=/etc/syncd/env",
        """printf 'T="%s"\\n' sandbox-token > /etc/syncd/env; chmod 600 /etc/syncd/env""",
        token='{ env = "T" }',
    ),
    "a variable of the unit": Situation(f'Environment="A=b c" "T={TOKEN}"', token='{ env = "T" }'),
    "no variable": Situation(token='{ env = "T" }', bad="token of main"),
    "no file of variables": Situation("EnvironmentFile=/etc/syncd/none", bad="service"),
    "no working directory": Situation("WorkingDirectory=/none", bad="service"),
    "a hidden token file": Situation(
        script="install -o syncd -m 600 /etc/credstore/syncd.token /home/anna/token",
        token='{ file = "/home/anna/token" }',
        bad="token of main",
    ),
    "a configuration of root": Situation(
        script="chmod 600 /etc/syncd/config.toml", bad="configuration"
    ),
    "a hidden configuration": Situation("InaccessiblePaths=/etc/syncd", bad="configuration"),
    "a key that systemd does not know": Situation("NoSuchKey=1"),
}  # fmt: skip


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A machine on which syncd was installed with the commands of the README."""
    box = Box(tmp_path_factory.mktemp("machine"))
    try:
        box.up()
        box.do("useradd", "--create-home", "--user-group", "anna")
        box.do("groupadd", "creatives")
        box.install(CONFIG)
        yield box
    finally:
        box.down()


@pytest.mark.parametrize("name", SITUATIONS)
async def test_the_judgement_is_what_the_started_service_meets(machine: Box, name: str) -> None:
    box, situation = machine, SITUATIONS[name]
    prepare(box, situation)
    ran = box.run("syncd", "check")
    bad = [line[4:].split("  ")[0] for line in ran.out.splitlines() if line.startswith("BAD")]
    assert "?" not in {line[:1] for line in ran.out.splitlines()}, ran.out
    works = await service_works(box)
    assert (ran.code == 0) is works, ran.out + ran.err + box.journal("syncd")
    assert next(iter(bad), "") == situation.bad, ran.out + ran.err
    assert probes(box) == ""


FIXABLE = [
    name
    for name, one in SITUATIONS.items()
    if one.unit and one.bad in {"program", "token of main"} and "credential" not in name
    and "such" not in name and "without" not in name and "directory" not in name
]  # fmt: skip


@pytest.mark.parametrize("name", FIXABLE)
async def test_the_printed_drop_in_lets_the_service_run_and_reach_the_api(
    machine: Box, name: str
) -> None:
    prepare(machine, SITUATIONS[name])
    ran = machine.run("syncd", "check")
    assert commands(ran), ran.out
    for line in commands(ran):
        machine.do("bash", "-c", line)
    ran = machine.run("syncd", "check")
    assert ran.code == 0, ran.out
    assert await service_works(machine)


async def test_a_drop_in_that_does_not_help_is_not_printed(machine: Box) -> None:
    prepare(machine, SITUATIONS["inaccessible above"])
    ran = machine.run("syncd", "check")
    assert "(InaccessiblePaths=/srv): remove that setting from the unit, or move it" in ran.out
    assert commands(ran) == []


@pytest.mark.parametrize("signal", ["INT", "TERM", "KILL"])
async def test_a_stopped_check_leaves_no_unit_behind(machine: Box, signal: str) -> None:
    prepare(machine, Situation())
    config = CONFIG.replace("[graph]", '[graph]\ntimeout = "10m"')
    machine.write("/etc/syncd/config.toml", config)
    machine.fault("slow:seconds=600:times=1")
    machine.do("systemd-run", "--unit=stopped", "--collect", "/usr/local/bin/syncd", "check")
    await until(lambda: "running" in probes(machine), lambda: probes(machine))
    await until(lambda: "check" in waiting(machine), lambda: waiting(machine))
    machine.do("systemctl", "kill", "--kill-whom=main", f"--signal={signal}", "stopped")
    await until(lambda: probes(machine) == "", lambda: probes(machine))
    machine.do("systemctl", "kill", "--signal=KILL", "graph-api")  # it would wait for the call
    await until(lambda: machine.one("graph-api", "ActiveState") == "failed")
    machine.do("systemctl", "reset-failed", "graph-api")
    machine.do("systemctl", "start", "graph-api")
    machine.await_sandbox()


async def test_a_running_service_keeps_its_directories(machine: Box) -> None:
    prepare(machine, Situation("RuntimeDirectory=syncd"))
    assert await service_works(machine)
    assert machine.run("syncd", "check").code == 0
    machine.do("test", "-d", "/run/syncd")
    machine.do("test", "-f", "/var/lib/syncd/ledger.db")
    await until(lambda: machine.one("syncd", "ActiveState") == "active")


async def test_a_configuration_that_the_user_cannot_read_has_the_exit_code_of_a_bad_one(
    machine: Box,
) -> None:
    prepare(machine, SITUATIONS["a configuration of root"])
    anna = ("setpriv", "--reuid=anna", "--regid=anna", "--init-groups")
    ran = machine.run(*anna, "syncd", "check")
    assert (ran.code, ran.out) == (78, "")
    assert "not allowed to read the file" in ran.err


async def test_without_systemd_run_the_view_of_the_service_is_unknown(machine: Box) -> None:
    prepare(machine, Situation())
    machine.do("bash", "-c", "mkdir -p /tmp/few; ln -sf /usr/bin/systemctl /tmp/few/")
    ran = machine.run("env", "PATH=/tmp/few", "/usr/local/bin/syncd", "check")
    assert ran.code == 1
    assert "?   service        syncd.service could not be tried: systemd-run cannot" in ran.out
    assert "?   folder spring  /srv/spring: 1 file in 1 directory" in ran.out
    assert "BAD" not in ran.out
    assert ran.err == ""


ODD = {
    "nothing": "true",
    "no facts": "echo '{\"paths\": []}'",
    "not facts": "echo '{\"paths\": 5}'",
    "endless output": "yes",
    "a failure": "echo odd >&2; exit 3",
}


@pytest.mark.parametrize("what", ODD)
async def test_a_program_that_prints_no_facts_proves_nothing(machine: Box, what: str) -> None:
    script = f"printf '#!/bin/sh\n%s\n' {shlex.quote(ODD[what])} > /usr/local/bin/syncd-x"
    prepare(
        machine,
        Situation(RUN.format("/usr/local/bin/syncd-x"), f"{script}; chmod 755 /usr/local/bin/*-x"),
    )
    ran = machine.run("syncd", "check")
    assert ran.code == 1, ran.out
    assert ran.out.splitlines()[1][:3] in {"?  ", "BAD"}
    assert "ok  folder" not in ran.out
    assert ran.err == ""
    assert probes(machine) == ""


def commands(ran: Ran) -> list[str]:
    return [line[4:] for line in ran.out.splitlines() if line.startswith("    ")]


def probes(box: Box) -> str:
    """Return the units of probes."""
    words = ("systemctl", "list-units", "--all", "--plain", "--no-legend", "syncd-check*")
    return box.do(*words)


def waiting(box: Box) -> str:
    """Return the command lines of the processes in the units of probes."""
    script = (
        "for f in /sys/fs/cgroup/system.slice/syncd-check*/cgroup.procs;"
        " do for p in $(cat $f); do tr '\\0' ' ' < /proc/$p/cmdline; done; done"
    )
    return box.run("bash", "-c", script).out


def prepare(box: Box, situation: Situation) -> None:
    """Remove the traces of the last situation, and set up this one."""
    config = CONFIG.replace("/srv/spring", situation.folder)
    config = config.replace('{ credential = "syncd.token" }', situation.token)
    if situation.ledger:
        config += f'[ledger]\npath = "{situation.ledger}"\n'
    drop_in = "/etc/systemd/system/syncd.service.d"
    unit = f"[Service]\n{situation.unit}\n"
    script = [
        "systemctl stop syncd; systemctl reset-failed; set -e",
        f"rm -rf {drop_in} /var/lib/syncd /var/lib/other /srv /etc/syncd/* /home/anna/* /root/v",
        f"rm -rf {TMP} /usr/local/bin/syncd-x; mkdir -m 755 -p /srv/spring {drop_in}",
        f"chmod 755 /srv /home/anna; echo {TOKEN} > /etc/credstore/syncd.token",
        "cp /var/tmp/1.jpg /srv/spring/; chmod 644 /srv/spring/1.jpg",
        f"printf %s {shlex.quote(config)} > /etc/syncd/config.toml; chmod 644 /etc/syncd/*",
        situation.script,
        f"printf %s {shlex.quote(unit)} > {drop_in}/test.conf",
        "systemctl daemon-reload",
    ]
    box.write("/var/tmp/1.jpg", picture(1))
    box.do("bash", "-c", "\n".join(script))
    box.forget_journal()


async def service_works(box: Box) -> bool:
    """Start the service, and return whether the image is held: uploaded now or known by its API.

    It does not work once it has ended, sees no image, or has logged trouble.
    """
    box.run("systemctl", "start", "--no-block", "syncd")
    async with asyncio.timeout(DEADLINE):
        while True:
            shown = box.show("syncd", "SubState", "StatusText")
            if shown["SubState"] in {"auto-restart", "failed"}:
                return False
            records = box.records("SYSLOG_IDENTIFIER=syncd")
            events = {one.get("SYNCD_EVENT") for one in records}
            empty = any(
                one.get("SYNCD_EVENT") == "scan.done" and one["SYNCD_FILES"] == "0"
                for one in records
            )
            if empty or events & TROUBLE or "not be checked" in shown["StatusText"]:
                return False
            if "image.held" in events:
                return True
            await asyncio.sleep(0.05)


TROUBLE = {
    "folder.missing", "folder.unreadable", "directory.unreadable", "file.unreadable",
    "token.unchecked", "token.rejected", "account.stopped", "daemon.failed",
    "watch.degraded",
}  # fmt: skip
