"""Texts are ordinary technical English: an operator at 2 a.m. reads each sentence once."""

from pathlib import Path

import pytest
from support.plain_words import PATTERNS, rate

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("paths", "limit"),
    [(["syncd"], 5.0), (["README.md", "config.example.toml", "systemd"], 5.0), (["tests"], 10.0)],
)
def test_hard_phrases_are_rare(paths: list[str], limit: float) -> None:
    """`limit` is in hits per 10,000 words."""
    found, hits = rate(ROOT / path for path in paths)
    assert found <= limit, "\n".join(map(str, hits))


HARD = {
    "log, report or return": "it is told of a change",
    "no longer": "a file that is no more",
    "negated noun": "this is no file",
    "the operator, the user": "until somebody acts",
    "is, exists, lies": "the mark stands at the end",
}


@pytest.mark.parametrize("instead", HARD)
def test_a_hard_phrase_is_found_in_comments_strings_and_names_of_tests(
    tmp_path: Path, instead: str
) -> None:
    assert instead in PATTERNS
    phrase = HARD[instead]
    (tmp_path / "a.py").write_text(
        f'# {phrase}\nx = "{phrase}"\ndef test_{phrase.replace(" ", "_")}() -> None: ...\n'
    )
    (tmp_path / "b.sql").write_text(f"-- {phrase}\nSELECT '{phrase}';\n")
    (tmp_path / "c.md").write_text(f"{phrase}\n")
    _, hits = rate([tmp_path])
    lines = [(hit.path.name, hit.line) for hit in hits if hit.instead == instead]
    assert lines == [("a.py", 1), ("a.py", 2), ("a.py", 3), ("b.sql", 1), ("c.md", 1)]
