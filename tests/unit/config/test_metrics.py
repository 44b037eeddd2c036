"""[metrics]: the addresses and paths that it takes, and what is reported about others."""

from pathlib import Path

import pytest
from support.config_text import PATH, config_text, sentences

from syncd.config import MetricsConfig
from syncd.config.diff import changes
from syncd.config.listen import Listen, SocketPath, TcpAddress
from syncd.config.load import loads

ADDRESS = (
    'write an IP address and a port, such as "127.0.0.1:9464" or "[::1]:9464", or the absolute path'
    " of a unix socket"
)
TEXTFILE = 'write a path, such as "/var/lib/prometheus/node-exporter/syncd.prom"'
OUTSIDE = 'write a path outside all folders, such as "/var/lib/prometheus/node-exporter/syncd.prom"'


def read(lines: str) -> MetricsConfig:
    return loads(config_text({"metrics": lines}), PATH, {}).metrics


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:9464", TcpAddress("127.0.0.1", 9464)),
        ("0.0.0.0:1", TcpAddress("0.0.0.0", 1)),
        ("[::1]:65535", TcpAddress("::1", 65535)),
        ("/run/syncd/metrics.sock", SocketPath("/run/syncd/metrics.sock")),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, expected: Listen) -> None:
    assert read(f'listen = "{text}"') == MetricsConfig(listen=expected)
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "localhost:9464", "example.com:80"),
        *("::1:9464", "[127.0.0.1]:9464", "[::1]", "[]:9464", "127.0.0.1:9464x", "127.0.0.1:١"),
        "metrics.sock",
    ],
)
def test_what_is_not_an_address_is_reported(text: str) -> None:
    reported = sentences(config_text({"metrics": f'listen = "{text}"'}))
    assert len(reported) == 1
    assert reported[0].startswith("metrics.listen: ")
    assert reported[0].endswith(f" is not an address | {ADDRESS}")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            "",
            (
                "metrics: sets neither listen nor textfile"
                ' | write listen = "127.0.0.1:9464", or remove [metrics]'
            ),
        ),
        ("listen = 9464", "metrics.listen: expected a string, got the integer 9464"),
        ('listen = "127.0.0.1:0"', f"metrics.listen: the port 0 is out of range | {ADDRESS}"),
        (
            'listen = "127.0.0.1:70000"',
            f"metrics.listen: the port 70000 is out of range | {ADDRESS}",
        ),
        (
            'listen = "/run/../m"',
            f'metrics.listen: "/run/../m" is not the path of a socket | {ADDRESS}',
        ),
        (
            'listen = "/run/syncd/"',
            f'metrics.listen: "/run/syncd/" is not the path of a socket | {ADDRESS}',
        ),
        (
            f'listen = "/run/{"é" * 52}"',
            "that a unix socket's path can have | " + ADDRESS,
        ),
        (
            'textfile = "/var/lib/syncd.txt"',
            (
                'metrics.textfile: "/var/lib/syncd.txt" does not end in ".prom": node_exporter'
                f" would ignore it | {TEXTFILE}"
            ),
        ),
        (
            'textfile = "/srv/spring/a/syncd.prom"',
            (
                'metrics.textfile: "/srv/spring/a/syncd.prom" is inside the folder "spring"'
                f" | {OUTSIDE}"
            ),
        ),
        (
            'listen = "/srv/spring/m.sock"',
            (
                'metrics.listen: "/srv/spring/m.sock" is inside the folder "spring" | write a path'
                ' outside all folders, such as "/run/syncd/metrics.sock"'
            ),
        ),
        (
            'lisen = "127.0.0.1:1"',
            (
                "metrics.lisen: is not a known key"
                " | did you mean listen? The known keys are listen, textfile"
            ),
        ),
    ],
)
def test_a_mistake_is_reported(lines: str, expected: str) -> None:
    (sentence,) = sentences(config_text({"metrics": lines}))
    assert expected in sentence


def test_a_textfile_may_be_relative_to_the_configuration() -> None:
    assert read('textfile = "syncd.prom"').textfile == Path("/etc/syncd/syncd.prom")


def test_without_the_table_nothing_is_served_or_written() -> None:
    assert loads(config_text({}), PATH, {}).metrics == MetricsConfig()


def test_a_change_is_named_by_its_key() -> None:
    before = loads(config_text({}), PATH, {})
    after = loads(config_text({"metrics": 'listen = "[::1]:9464"'}), PATH, {})
    assert changes(before, after) == ["metrics.listen: not set → [::1]:9464"]
