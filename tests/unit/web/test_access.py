"""Only a session that the password opened sees the pages, until it ends."""

import pytest

from syncd.config import Secret
from syncd.rules.logins import FREE
from syncd.web.access import LASTS, MOST_CLIENTS, Access, is_loopback, network


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_password_opens_a_session_that_ends() -> None:
    clock = Clock()
    access = Access(Secret("right"), clock)
    assert access.log_in("wrong", "a") is None
    cookie = access.log_in("right", "a")
    assert cookie is not None
    assert access.is_open(cookie)
    clock.now += LASTS
    assert not access.is_open(cookie)


def test_a_session_survives_a_restart_and_ends_with_its_password() -> None:
    cookie = Access(Secret("right"), Clock()).log_in("right", "a")
    assert cookie is not None
    assert Access(Secret("right"), Clock()).is_open(cookie)
    assert not Access(Secret("another"), Clock()).is_open(cookie)


@pytest.mark.parametrize("change", ["end", "code", "empty", "text", "bytes"])
def test_a_changed_cookie_opens_nothing(change: str) -> None:
    access = Access(Secret("right"), Clock())
    end, _, code = (access.log_in("right", "a") or "").partition(".")
    forged = {
        "end": f"{int(end) - 1}.{code}",
        "code": f"{end}.{code[:-1]}g",
        "empty": "",
        "text": "é.é",
        "bytes": f"{end}.\udcff",
    }
    assert not access.is_open(forged[change])


def test_the_right_password_is_rejected_after_many_wrong_ones() -> None:
    clock = Clock()
    access = Access(Secret("right"), clock)
    for _ in range(FREE):
        assert access.log_in("wrong", "a") is None
    assert access.log_in("right", "a") is None
    assert access.log_in("right", "b") is not None
    assert access.wait("a") == 60.0
    clock.now += 60
    assert access.log_in("wrong", "a") is None
    assert access.wait("a") == 120.0
    clock.now += 120
    assert access.log_in("right", "a") is not None
    assert access.log_in("wrong", "a") is None
    assert not access.wait("a"), "the count begins again after a login"


def test_the_addresses_of_one_network_are_one_client() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff") != network("2001:db8:0:1::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") != network("192.0.2.2")
    assert network("") == ""


def test_a_flood_from_many_addresses_is_forgotten_but_not_unlimited() -> None:
    clock = Clock()
    access = Access(Secret("right"), clock)
    for number in range(MOST_CLIENTS + 5):
        clock.now += 2
        access.log_in("wrong", f"client {number}")
    assert len(access._failures) == MOST_CLIENTS


def test_without_a_password_everyone_is_admitted() -> None:
    access = Access(None, Clock())
    assert access.is_open("")
    assert not access.needs_password


@pytest.mark.parametrize("host", ["127.0.0.1:8780", "localhost", "LOCALHOST:9", "[::1]:8780"])
def test_a_name_of_this_machine_is_served(host: str) -> None:
    assert Access(None, Clock()).serves(host)
    assert Access(Secret("right"), Clock(), ["library.example.com"]).serves(host)


@pytest.mark.parametrize("host", ["", "evil.com", "localhost.evil.com", "10.0.0.1:8780", "[::1"])
def test_another_name_is_served_with_a_password_or_a_configured_name_only(host: str) -> None:
    assert not Access(None, Clock()).serves(host)
    assert not Access(Secret("right"), Clock(), ["library.example.com"]).serves(host)
    assert Access(Secret("right"), Clock()).serves(host)


@pytest.mark.parametrize("host", ["library.example.com", "LIBRARY.example.com:443"])
def test_a_configured_name_is_served(host: str) -> None:
    assert Access(None, Clock(), ["library.example.com"]).serves(host)


def test_every_address_of_the_loopback_network_is_this_machine() -> None:
    assert is_loopback("127.9.9.9")
    assert not is_loopback("0.0.0.0")
