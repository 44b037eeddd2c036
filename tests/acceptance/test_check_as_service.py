"""`syncd check` as an administrator runs it: the commands below each BAD fix what is BAD.

Most tests end by starting the real unit, to show that the result holds for the service.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.exposition import Samples
from support.systemd_box import CONFIG, TOKEN, Box, Ran, missing, until
from support.systemd_check import (
    SETFACL,
    as_new,
    assert_all_ok,
    await_upload_by_service,
    bad,
    check,
    checked_machine,
    fix,
)

WHY_NOT = missing()
pytestmark = [
    pytest.mark.skipif(
        WHY_NOT is not None, reason=f"NOT TESTED: check under a real systemd; {WHY_NOT}"
    ),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with checked_machine(tmp_path_factory.mktemp("machine")) as box:
        yield box


@pytest.fixture
def box(machine: Box) -> Box:
    return as_new(machine)


def flat(ran: Ran) -> str:
    """Return stderr without the frame and the line breaks of a usage error."""
    return " ".join(ran.err.replace("│", " ").split())


async def test_checks_of_a_good_installation_are_ok_and_create_no_files(box: Box) -> None:
    ran = check(box)
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(r"(ok  .*\n)+", ran.out), ran.out
    assert "accepted" in ran.out  # the token, which systemd passes only to the service
    assert box.run("test", "-e", "/var/lib/syncd").code == 1
    await await_upload_by_service(box)
    assert_all_ok(box)
    assert box.do("find", "/var/lib/syncd", "!", "-user", "syncd") == ""


CLOSED = {
    "the folder": ("chmod 700 /srv/spring", "setfacl"),
    "a directory above": ("chmod 700 /srv", "setfacl"),
    "both": ("chmod 700 /srv /srv/spring", "setfacl"),
    "a file": ("chmod 600 /srv/spring/1.jpg", "setfacl"),
    "a directory below": ("cd /srv/spring; mkdir -m 700 b; cp *.jpg b", "setfacl"),
    "only its group": ("chgrp -R creatives /srv/spring; chmod -R o= /srv/spring", "usermod"),
    "only its group, and not a file": (
        "chgrp -R creatives /srv/spring; chmod -R o= /srv/spring; chmod 600 /srv/spring/1.jpg",
        "setfacl",
    ),
    "a private group": ("chown -R anna:anna /srv/spring; chmod -R o= /srv/spring", "setfacl"),
    "a file of the service": ("chown -R syncd: /srv/spring; chmod 000 /srv/spring/1.jpg", "chmod"),
    "all but its group": ("chown -R anna:syncd /srv/spring; chmod 705 /srv/spring", "setfacl"),
}  # fmt: skip


@pytest.mark.parametrize("how", CLOSED)
async def test_the_printed_commands_give_the_service_access_to_a_closed_folder(
    box: Box, how: str
) -> None:
    closing, tool = CLOSED[how]
    box.do("bash", "-c", closing)
    ran = check(box)
    assert ran.code == 1
    assert [line.split()[:3] for line in bad(ran)] == [["BAD", "folder", "spring"]], ran.out
    assert any(line.split()[0] in (tool, "find") for line in fix(box, ran)), ran.out
    assert_all_ok(box)
    await await_upload_by_service(box)


async def test_the_printed_command_lets_the_service_read_an_included_file(box: Box) -> None:
    own, folders = CONFIG.split("[folders")
    box.write("/etc/syncd/config.toml", f'include = ["conf.d/*.toml"]\n{own}')
    box.write("/etc/syncd/conf.d/folders.toml", f"[folders{folders}", 0o600)
    ran = check(box)
    assert ran.code == 1
    assert all("/etc/syncd/conf.d/folders.toml" in line for line in bad(ran)), ran.out
    assert fix(box, ran) == ["chmod a+r /etc/syncd/conf.d/folders.toml"]
    assert_all_ok(box)
    await await_upload_by_service(box)


async def test_a_path_with_special_characters_is_quoted_for_the_shell(box: Box) -> None:
    path = '/srv/it\'s $HOME; "new" 50%\\'
    box.do("mv", "/srv/spring", path)
    box.do("chmod", "700", path)
    box.write("/etc/syncd/config.toml", CONFIG.replace('"/srv/spring"', f"'''{path}'''"))
    fix(box, check(box))
    assert_all_ok(box)
    await await_upload_by_service(box)


async def test_the_closed_directories_behind_a_link_are_opened(box: Box) -> None:
    box.do("bash", "-c", "mkdir -p -m 700 /srv/a/b; mv /srv/spring /srv/a/b/; ln -s a/b /srv/x")
    box.write("/etc/syncd/config.toml", CONFIG.replace("/srv/spring", "/srv/x/spring"))
    lines = fix(box, check(box))
    assert [line.split()[-1] for line in lines] == ["/srv/a", "/srv/a/b"] or len(lines) == 1
    assert_all_ok(box)
    await await_upload_by_service(box)


@pytest.mark.parametrize("home", ["tmpfs", "yes"])
async def test_a_folder_below_home_is_bound_by_a_drop_in(box: Box, home: str) -> None:
    drop_in = f"[Service]\nProtectHome={home}\n"
    box.write("/etc/systemd/system/syncd.service.d/home.conf", drop_in)
    box.do("systemctl", "daemon-reload")
    path = "/home/anna/my creatives: spring"
    box.do(
        "bash", "-c", f"mv /srv/spring '{path}'; chown -R anna: '{path}'; chmod 700 '{path}' ~anna"
    )
    box.write("/etc/syncd/config.toml", CONFIG.replace("/srv/spring", path))
    ran = check(box)
    assert f"syncd.service does not see it (ProtectHome={home})" in ran.out
    lines = fix(box, ran)
    assert any("BindReadOnlyPaths=" in line for line in lines)
    # systemd binds the folder without the permissions of the directories above it.
    assert not any(line.endswith("/home/anna") for line in lines)
    assert_all_ok(box)
    await await_upload_by_service(box)


async def test_a_folder_below_tmp_is_bound_by_a_drop_in(box: Box) -> None:
    box.do("bash", "-c", "mv /srv/spring /tmp/")
    box.write("/etc/syncd/config.toml", CONFIG.replace("/srv/spring", "/tmp/spring"))
    ran = check(box)
    assert "syncd.service does not see it (PrivateTmp=yes)" in bad(ran)[0]
    fix(box, ran)
    assert_all_ok(box)
    await await_upload_by_service(box)


TOKENS = {
    "no file in the credstore": "rm /etc/credstore/syncd.token",
    "another name": r"sed -i s/syncd.token/other.token/ /etc/syncd/config.toml;"
    " mv /etc/credstore/syncd.token /etc/credstore/other.token",
    "a file of root": "install -m 600 /etc/credstore/syncd.token /etc/syncd/token;"
    " sed -i 's,credential = .syncd.token.,file = \"/etc/syncd/token\",' /etc/syncd/config.toml",
    "a configuration of root": "chmod 600 /etc/syncd/config.toml",
}


@pytest.mark.parametrize("how", TOKENS)
async def test_the_printed_commands_give_the_service_its_token(box: Box, how: str) -> None:
    box.do("bash", "-c", TOKENS[how])
    ran = check(box)
    assert ran.code == 1
    assert bad(ran)
    assert TOKEN not in ran.out + ran.err
    fix(box, ran)
    assert_all_ok(box)
    await await_upload_by_service(box)


async def test_a_token_that_the_unit_hides_has_to_be_moved(box: Box) -> None:
    box.do("install", "-m", "600", "-o", "syncd", "/etc/credstore/syncd.token", "/home/anna/token")
    config = CONFIG.replace('credential = "syncd.token"', 'file = "/home/anna/token"')
    box.write("/etc/syncd/config.toml", config)
    line = bad(check(box))[0]
    assert "(ProtectHome=tmpfs): move it elsewhere, such as to /etc/syncd" in line


async def test_an_encrypted_credential_is_decrypted_as_for_the_service(box: Box) -> None:
    drop_in = "[Service]\nLoadCredential=\nLoadCredentialEncrypted=syncd.token\n"
    box.write("/etc/systemd/system/syncd.service.d/token.conf", drop_in)
    box.do("systemctl", "daemon-reload")
    box.do("bash", "-c", "rm /etc/credstore/syncd.token; mkdir -p /etc/credstore.encrypted;"
           f" echo -n {TOKEN} | systemd-creds encrypt --with-key=host --name=syncd.token -"
           " /etc/credstore.encrypted/syncd.token")  # fmt: skip
    assert_all_ok(box)
    box.do("bash", "-c", "echo nothing > /etc/credstore.encrypted/syncd.token")
    assert "cannot be decrypted" in bad(check(box))[0]


async def test_a_variable_of_the_shell_is_not_available_to_the_service(box: Box) -> None:
    config = CONFIG.replace('credential = "syncd.token"', 'env = "SYNCD_TOKEN"')
    box.write("/etc/syncd/config.toml", config)
    ran = box.run("env", f"SYNCD_TOKEN={TOKEN}", "syncd", "check")
    assert "syncd.service does not set the variable SYNCD_TOKEN" in bad(ran)[0]
    box.write("/etc/syncd/environment", f"# ours\nSYNCD_TOKEN={TOKEN}\n", 0o600)
    drop_in = "[Service]\nEnvironmentFile=/etc/syncd/environment\n"
    box.write("/etc/systemd/system/syncd.service.d/token.conf", drop_in)
    box.do("systemctl", "daemon-reload")
    assert_all_ok(box)


LEDGERS = {
    "a directory that does not exist": "/srv/ledger",
    "a directory of root": "/srv/spring.d",
    "below /home": "/home/anna/ledger",
}


@pytest.mark.parametrize("how", LEDGERS)
async def test_the_printed_commands_give_the_service_a_ledger_elsewhere(box: Box, how: str) -> None:
    directory = LEDGERS[how]
    box.do("mkdir", "-p", "/srv/spring.d")
    box.write("/etc/syncd/config.toml", f'{CONFIG}[ledger]\npath = "{directory}/ledger.db"\n')
    fix(box, check(box))
    assert_all_ok(box)
    await await_upload_by_service(box)
    box.do("test", "-f", f"{directory}/ledger.db")


async def test_the_printed_commands_let_the_service_write_metrics(box: Box) -> None:
    """Also: the figures of the process and the unix socket are available under the unit."""
    file, listen = "/var/lib/prometheus/node-exporter/syncd.prom", "/run/syncd/metrics.sock"
    metrics = f'[metrics]\nlisten = "{listen}"\ntextfile = "{file}"\n'
    box.write("/etc/syncd/config.toml", CONFIG + metrics)
    box.do("mkdir", "-p", "/var/lib/prometheus/node-exporter")
    ran = check(box)
    (line,) = bad(ran)
    assert "syncd.service cannot write there (ProtectSystem=strict)" in line
    assert "ReadWritePaths=/var/lib/prometheus/node-exporter" in "".join(fix(box, ran))
    assert_all_ok(box)
    await await_upload_by_service(box)
    await until(lambda: box.run("test", "-f", file).code == 0, lambda: box.journal("syncd"))
    assert_all_ok(box)  # the address is in use, by the service itself
    assert box.do("stat", "--format=%a %U", file, listen) == "644 syncd\n660 syncd\n"
    found = Samples(box.do("curl", "-s", "--unix-socket", listen, "http://syncd/metrics"))
    for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "start_time_seconds"):
        assert (found.value(f"process_{name}") or 0) > 0
    box.do("systemctl", "stop", "syncd")
    assert box.run("test", "-e", file).code == 1


async def test_a_ledger_of_root_is_given_to_the_service(box: Box) -> None:
    box.do("systemctl", "start", "syncd")
    box.do("systemctl", "stop", "syncd")
    box.do("chown", "root:", "/var/lib/syncd/ledger.db")
    ran = check(box)
    assert "cannot write /var/lib/syncd/ledger.db" in bad(ran)[0]
    fix(box, ran)
    assert_all_ok(box)
    await await_upload_by_service(box)


async def test_an_instance_is_checked_with_the_settings_of_its_own_unit(box: Box) -> None:
    box.do("mv", "/etc/syncd/config.toml", "/etc/syncd/eu.toml")
    words = ("--config", "/etc/syncd/eu.toml")
    ran = check(box, *words)
    assert "/etc/credstore/syncd.eu.token" in bad(ran)[0]
    fix(box, ran)
    for _ in range(2):  # before the service has started once on the machine, and after that
        ran = check(box, *words)
        assert ran.code == 0, ran.out
        assert "/var/lib/syncd/eu/ledger.db" in ran.out
        box.do("install", "-d", "-m", "700", "-o", "syncd", "/var/lib/syncd")
    box.write("/etc/syncd/eu.toml", f'{CONFIG}[ledger]\npath = "/var/lib/syncd/us/ledger.db"\n')
    box.do("install", "-d", "-o", "syncd", "/var/lib/syncd/us")
    assert (
        "syncd@eu.service does not see it (TemporaryFileSystem=/var/lib/syncd)"
        in (bad(check(box, *words))[0])
    )
    box.write("/etc/syncd/eu.toml", CONFIG)
    await await_upload_by_service(box, "syncd@eu")


async def test_a_rejected_credential_is_replaced_by_token_set(box: Box) -> None:
    box.write("/etc/credstore/syncd.token", "expired\n", 0o600)
    box.do("systemctl", "start", "syncd")
    assert box.run("syncd", "token", "test").code == 1
    ended = box.run("sh", "-c", f"echo {TOKEN} | syncd token set")
    file, restart = "/etc/credstore/syncd.token", "sudo systemctl restart syncd"
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == f"saved to {file}: to use it, run `{restart}`"
    assert box.do("stat", "-c", "%U %a", file).strip() == "root 600"
    box.do(*restart.split()[1:])
    await await_upload_by_service(box)
    assert f"source   the file {file}" in box.do("syncd", "token", "show")
    assert "held" in box.do("syncd", "status")  # of the ledger of the unit


async def test_the_token_of_an_instance_is_tested_by_root_alone(box: Box) -> None:
    box.write("/etc/syncd/eu.toml", CONFIG)
    box.write("/etc/credstore/syncd.eu.token", f"{TOKEN}\n", 0o600)
    words = ("syncd", "token", "test", "--config", "/etc/syncd/eu.toml")
    assert box.run(*words).code == 0
    ended = box.run("setpriv", "--reuid=anna", "--regid=anna", "--clear-groups", *words)
    assert (ended.code, ended.err.count("run this with sudo")) == (1, 1)


async def test_the_option_as_selects_the_user_of_the_checks(box: Box) -> None:
    box.do("bash", "-c", "chmod 700 /srv/spring; install -d -m 700 -o syncd /var/lib/syncd")
    ledger = '[ledger]\npath = "/var/lib/syncd/ledger.db"\n'
    config = CONFIG.replace('credential = "syncd.token"', 'file = "/etc/credstore/syncd.token"')
    box.write("/etc/syncd/config.toml", config + ledger)
    assert check(box, "--as", "root").code == 0
    seen = check(box, "--as", "anna")
    assert "user anna cannot read /srv/spring" in seen.out
    assert "    setfacl -Rm u:anna:rX,d:u:anna:rX /srv/spring" in seen.out
    box.write("/etc/syncd/config.toml", CONFIG + ledger)
    assert check(box, "--as", "unknown-user").code == 2
    anna = ("setpriv", "--reuid=anna", "--regid=anna", "--init-groups", "syncd", "check")
    assert "only root can check as syncd: sudo syncd check --as syncd" in flat(
        box.run(*anna, "--as", "syncd")
    )
    ran = box.run(*anna)
    assert ran.code == 1
    assert bad(ran) == []
    for subject in ("ledger", "folder spring", "token of main"):  # only root can read these
        assert re.search(rf"^\?   {subject} ", ran.out, re.MULTILINE), ran.out
    assert "setfacl" not in ran.out
    assert ran.out.splitlines()[-1] == (
        "These checks ran as anna. To check as syncd, as the service does: sudo syncd check"
    )


async def test_the_sandbox_of_a_unit_does_not_apply_to_another_configuration(box: Box) -> None:
    box.do("bash", "-c", "mkdir /tmp/spring; cp -a /etc/syncd/config.toml /tmp/mine.toml")
    config = CONFIG.replace("/srv/spring", "/tmp/spring").replace(
        'credential = "syncd.token"', 'env = "T"'
    )
    box.write("/tmp/mine.toml", f'{config}[ledger]\npath = "/tmp/ledger.db"\n')
    ran = box.run("env", f"T={TOKEN}", "syncd", "check", "--config", "/tmp/mine.toml")
    assert (ran.code, bad(ran)) == (0, []), ran.out


def test_the_substitute_for_setfacl_sets_the_same_acls(tmp_path: Path) -> None:
    if shutil.which("setfacl") is None:
        pytest.skip("NOT TESTED: setfacl is not installed")
    seen = []
    for name, tool in (("theirs", "setfacl"), ("ours", str(SETFACL))):
        top = tmp_path / name / "top"
        (top / "below").mkdir(parents=True)
        (top / "below/file").touch(0o640)
        subprocess.run([tool, "-Rm", "u:daemon:rX,d:u:daemon:rX", top], check=True)
        subprocess.run([tool, "-m", "u:daemon:x", top.parent], check=True)
        shown = subprocess.run(
            ["getfacl", "-R", "-c", "."], cwd=top.parent, check=True, capture_output=True
        )
        seen.append(shown.stdout)
    assert seen[0] == seen[1]
