"""Files of any bytes as the configuration and as what it includes: each mistake has its place."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.config_text import config_text
from support.fuzz import examples
from support.readme import ROOT

from syncd.config import ConfigError, Problem
from syncd.config.load import load

EXAMPLE = (ROOT / "config.example.toml").read_bytes()
ALL_KEYS = b"\n".join(  # with the lines that show a default
    line.removeprefix(b"#") if line[:1] == b"#" and line[1:2].strip() else line
    for line in EXAMPLE.split(b"\n")
)
WHOLE = config_text({}).encode()
INCLUDED = b'[accounts.other]\nid = "2"\n[folders.other]\npath = "/b"\naccount = "other"\n'
PIECES = [
    b"", b"\0", b"\\u0000", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"'", b'"""', b"[", b"]",
    b"[[", b"{", b"}", b"=", b".", b"#", b"\\", b"1e999", b"-1", b"nan", b"9" * 30, b"true", b"[]",
    b"{}", b'""', b'"\\u0000"', b'"~nobody/x"', b'"' + b"a" * 5000 + b'"', b'"../x"', b'"*"',
    b"1979-05-27T07:32:00Z", b'include = ["*"]\n', b'"inclu\\u0064e" = ["b.toml"]\n',
    b'"\\u0061ccounts" = 1\n', b'"" = 1\n', b'"a\\nb" = 1\n',
]  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Return a valid configuration with pieces that were inserted, replaced and removed."""
    data = bytearray(draw(st.sampled_from([WHOLE, EXAMPLE, ALL_KEYS, INCLUDED, b""])))
    words = [n for n, before in enumerate(data, 1) if before in b' \n".[']
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.sampled_from(words) if words else st.just(0))
        end = at + draw(st.integers(0, 12))
        data[at:end] = draw(st.sampled_from(PIECES) | st.binary(max_size=6))
    head = draw(st.sampled_from([b"", b'include = ["b.toml"]\n', b'include = ["c*"]\n', *PIECES]))
    return head + bytes(data)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes, bytes], list[Problem]]:
    directory = tmp_path_factory.mktemp("config")

    def of(content: bytes, included: bytes) -> list[Problem]:
        (directory / "b.toml").write_bytes(included)
        (directory / "a.toml").write_bytes(content)
        try:
            load(directory / "a.toml", {})
        except ConfigError as error:
            return error.problems
        return []

    return of


@pytest.mark.fuzz
@given(files(), files())
@example(b'"inclu\\u0064e" = ["a.toml"]', b"")
@example(b'include = ["a\\u0000b"]', b"")
@example(b'include = ["' + b"a" * 5000 + b'"]', b"")
@example(b'include = ["b.toml"]\n"accounts".x = 1', b'"acc\\u006funts".x = 1')
@example(b'include = ["b.toml"]', b'"inclu\\u0064e" = []')
@settings(examples(300), suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_yield_a_configuration_or_mistakes_with_their_places(
    report: Callable[[bytes, bytes], list[Problem]], content: bytes, included: bytes
) -> None:
    for problem in report(content, included):
        assert problem.message
        assert problem.fix
        assert problem.file.name in {"a.toml", "b.toml"} or problem.line is None
        shown = str(problem)
        assert all(line.isprintable() for line in shown.split("\n"))
        assert len(shown) < 2000 + len(content) + len(included)


def test_every_mistake_in_a_line_has_the_number_of_the_line(
    report: Callable[[bytes, bytes], list[Problem]],
) -> None:
    lines = config_text({"watch": 'settle = 1\nrescan = "x"', "unknown": "a = 1"}).split("\n")
    found = {problem.key: problem.line for problem in report("\n".join(lines).encode(), b"")}
    assert found == {
        "unknown": lines.index("[unknown]") + 1,
        "watch.rescan": lines.index('rescan = "x"') + 1,
        "watch.settle": lines.index("settle = 1") + 1,
    }
