"""`syncd check` of the unit of `syncd web`: its commands let the pages show what they should."""

from collections.abc import Iterator

import pytest
from support.systemd_box import CONFIG, TOKEN, Box, missing, until
from support.systemd_check import (
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
        WHY_NOT is not None, reason=f"NOT TESTED: the pages under a real systemd; {WHY_NOT}"
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


PASSWORD = '[web]\ntoken = { credential = "syncd.web" }\n'


def browse(box: Box, address: str, *words: str) -> str:
    """Return the response of the pages to curl, with its header, once they are served."""
    get = ("curl", "-sS", "-i", "--retry", "20", "--retry-delay", "0", "--retry-connrefused")
    return box.do(
        "bash", "-c", '"$@" | tr -cd "[:print:]\\n"', "-", *get, *words, f"http://{address}"
    )


async def test_the_printed_commands_give_the_unit_of_the_pages_what_the_daemon_has(
    box: Box,
) -> None:
    """The unit of the pages is checked when it is used, and shows pictures after the commands."""
    box.do("bash", "-c", "mkdir /srv/ledger; chown syncd: /srv/ledger; mv /srv/spring /home/anna/")
    ledger = '[ledger]\npath = "/srv/ledger/ledger.db"\n'
    box.write("/etc/syncd/config.toml", CONFIG.replace("/srv/", "/home/anna/") + ledger)
    fix(box, check(box))
    assert_all_ok(box)
    await await_upload_by_service(box)
    box.do("systemctl", "enable", "--now", "syncd-web")
    ran = check(box)
    folder, directory = bad(ran)
    assert folder.split(maxsplit=1)[1].startswith("web "), ran.out
    assert "/home/anna/spring: syncd-web.service does not see it (ProtectHome=tmpfs)" in folder
    assert "syncd-web.service cannot write there (ProtectSystem=strict)" in directory
    fix(box, ran)
    assert_all_ok(box)
    digest = box.do("sha256sum", "/home/anna/spring/1.jpg").split()[0]
    picture = f"127.0.0.1:8780/small/{digest}"
    await until(lambda: "\nContent-Type: image/webp" in browse(box, picture))
    box.do("systemctl", "disable", "--now", "syncd-web")


async def test_the_password_of_the_pages_is_a_credential_of_their_unit(box: Box) -> None:
    box.do("mv", "/etc/credstore/syncd.token", "/etc/credstore/syncd.eu.token")
    box.write("/etc/syncd/eu.toml", f'{CONFIG}{PASSWORD}listen = "127.0.0.1:8781"\n')
    box.do("rm", "/etc/syncd/config.toml")
    words = ("--config", "/etc/syncd/eu.toml")
    assert check(box, *words).code == 0
    box.do("systemctl", "enable", "syncd-web@eu")
    ran = check(box, *words)
    (line,) = bad(ran)
    assert "there is no /etc/credstore/syncd.eu.web: write the password into it" in line
    fix(box, ran)
    assert check(box, *words).code == 0
    await await_upload_by_service(box, "syncd@eu")
    box.do("systemctl", "start", "syncd-web@eu")
    assert "\nLocation: /login" in browse(box, "127.0.0.1:8781/")
    assert "403 Forbidden" in browse(box, "127.0.0.1:8781/login", "-d", "password=wrong")
    jar = ("-c", "/tmp/jar", "-b", "/tmp/jar")
    browse(box, "127.0.0.1:8781/login", "-d", f"password={TOKEN}", *jar)
    await until(lambda: "<b>1</b> held" in browse(box, "127.0.0.1:8781/", *jar))
    # The pages of an instance see the ledger of that instance alone, and end with the target.
    box.do("install", "-d", "-o", "syncd", "/var/lib/syncd/us")
    seen = box.at(f"/proc/{box.one('syncd-web@eu', 'MainPID')}/root/var/lib/syncd")
    assert [path.name for path in seen.iterdir()] == ["eu"]
    box.do("systemctl", "start", "syncd.target")
    box.do("systemctl", "stop", "syncd.target")
    await until(lambda: box.one("syncd-web@eu", "ActiveState") == "inactive")
    box.do("systemctl", "disable", "syncd-web@eu")
