"""The client of a request is the first address that no trusted proxy has."""

from ipaddress import ip_network

import pytest

from syncd.web.proxies import client_of, is_proxy

PROXIES = [ip_network("127.0.0.1"), ip_network("10.0.0.0/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),  # a client cannot choose its address
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),  # it sent the first itself
        ("127.0.0.1", "203.0.113.9, 10.1.2.3", "203.0.113.9"),  # two proxies
        ("::ffff:127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "1.1.1.1, <b>", "127.0.0.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_client_is_whom_the_first_trusted_proxy_names(
    peer: str, forwarded: str, expected: str
) -> None:
    assert client_of(peer, forwarded, PROXIES) == expected


def test_without_proxies_the_client_is_the_other_end_of_the_connection() -> None:
    assert client_of("127.0.0.1", "203.0.113.9", []) == "127.0.0.1"
    assert not is_proxy("127.0.0.1", [])
