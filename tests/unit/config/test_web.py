"""[web]: the address of the pages, and what is reported about others."""

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
