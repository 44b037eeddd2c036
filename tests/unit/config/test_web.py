"""[web]: the address of the pages, and what is reported about others."""

from ipaddress import ip_network

import pytest
from support.config_text import PATH, config_text, sentences

from syncd.config import WebConfig
from syncd.config.listen import TcpAddress
from syncd.config.load import loads

ADDRESS = 'write an IP address and a port, such as "127.0.0.1:8780" or "[::1]:8780"'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", TcpAddress("127.0.0.1", 8780)),
        ('listen = "127.0.0.1:8781"', TcpAddress("127.0.0.1", 8781)),
        ('listen = "[::1]:80"', TcpAddress("::1", 80)),
    ],
)
def test_the_pages_have_one_address(lines: str, expected: TcpAddress) -> None:
    assert loads(config_text({"web": lines}), PATH, {}).web == WebConfig(listen=expected)


@pytest.mark.parametrize("text", ["/run/syncd/web.sock", "localhost:8780", "8780", ""])
def test_what_is_not_an_ip_address_and_a_port_is_reported(text: str) -> None:
    (reported,) = sentences(config_text({"web": f'listen = "{text}"'}))
    assert reported == f'web.listen: "{text}" is not an address | {ADDRESS}'


def test_a_port_out_of_range_is_reported() -> None:
    (reported,) = sentences(config_text({"web": 'listen = "127.0.0.1:0"'}))
    assert reported == f"web.listen: the port 0 is out of range | {ADDRESS}"


def test_proxies_are_networks_and_hosts_are_names_in_lower_case() -> None:
    lines = 'proxies = ["127.0.0.1", "10.1.2.3/8", "::1"]\nhosts = ["Library.Example.com", "::1"]'
    web = loads(config_text({"web": lines}), PATH, {}).web
    assert web.proxies == tuple(map(ip_network, ("127.0.0.1", "10.0.0.0/8", "::1")))
    assert web.hosts == ("library.example.com", "::1")


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("proxies", "proxy.example.com", "is not an IP address or network"),
        ("proxies", "10.0.0.0/33", "is not an IP address or network"),
        ("hosts", "https://library.example.com", "is not a host name"),
        ("hosts", "library.example.com:443", "is not a host name"),
        ("hosts", "", "is not a host name"),
    ],
)
def test_what_is_not_a_proxy_or_a_host_is_reported(key: str, text: str, problem: str) -> None:
    (reported,) = sentences(config_text({"web": f'{key} = ["{text}"]'}))
    assert reported.startswith(f'web.{key}: "{text}" {problem} | write ')
