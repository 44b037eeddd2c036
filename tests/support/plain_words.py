"""Phrases that make technical English hard to read, and how often a text has them.

Run as a program it prints each hit in the paths of the command line with its file and line.
"""

import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

PATTERNS = {
    "negated noun": r"\b(?:is|are|was|were|be) no "
    r"(?!longer\b|more than\b|matter\b|doubt\b|such\b|op\b)[a-z]",
    "pronoun for a negated noun": r"\b(?:that|what|which|there) (?:is|are|was|were) none\b",
    "no longer": r"\b(?:no|any) more\b(?! than| tha)",
    "log, report or return": r"\b(?:tells|told|tell|telling)\b",
    "is logged, is reported": r"\b(?:is|are|was|were|been|be) said\b"
    r"|\bsays? (?:what|why|whether|so)\b",
    "name the parameter": r"\bso (?:many|much|long|often|large|few) (?!as\b|that\b)[a-z]+",
    "fix": r"\bmend(?:s|ed|ing)?\b",
    "next to, alongside": r"\bbeside\b",
    "archaic word": r"\banew\b|\bfor ever\b|\bseldom(?:er)?\b|\bhow-manieth\b|\bamid\b|\bwhereof\b",
    "returns": r"\banswers? (?:whether|how|the|when|what|with)\b|; answers\b|^\s*\"\"\"Answers?\b",
    "pronoun without a noun": r"\b[Ww]hoever\b|(?:^|[.;:] )[Ww]ho [a-z]+s?\b",
    "is, exists, lies": r"\bstands?\b(?! (?:for|still|out|alone)\b)|\bstood\b(?! still)",
    "state the subject first": r"(?:^|[.;:] |\"\"\")What [a-z]",
    "one plain verb": r"\blet be\b|\bholds? up\b|\bc[ao]mes? to be\b"
    r"|\b(?:is|are) over\b|\brid of\b",
    "the operator, the user": r"\ba person\b|\bsomebody\b|\bnobody\b|\bpeople's\b",
    "inverted negation": r"\b(?:knows?|tells?|answers?|takes?|loads?|believes?) not\b",
    "check, handle, upload": r"\b[Ll]ooks? whether\b|\bsees? to\b"
    r"|\b[Bb]rings? (?:an?|the|images?|what|everything)\b",
    "archaic adverb": r"\bloudly\b|\bin vain\b|\bcomes? true\b",
    "is at": r"\b(?:file|token|image|picture|ledger|it|they|configuration)s? lies?\b",
}
"""Regular expressions by what to write instead."""

_COMMENT = {
    ".sql": "--",
    **dict.fromkeys((".toml", ".service", ".target", ".conf", ".timer", ".sh", ".example"), "#"),
    **dict.fromkeys((".yaml", ".yml"), "#"),
}
"""How a comment begins, by the suffix of a file whose comments are the prose."""

_WHOLE = {".md", ".1", ".5", ".7"}
"""Suffixes of files that are prose from end to end."""

_COMPILED = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}


class Hit(NamedTuple):
    """A phrase that a pattern found."""

    path: Path
    line: int
    instead: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: write: {self.instead}: {self.text}"


def rate(paths: Iterable[Path]) -> tuple[float, list[Hit]]:
    """Return the hits per 10,000 words of the prose below the paths, and the hits themselves."""
    words, hits = 0, []
    for path in _files(paths):
        for number, line in _prose(path):
            words += len(re.findall(r"[A-Za-z]{2,}", line))
            for instead, pattern in _COMPILED.items():
                found = pattern.findall(line)
                hits += [Hit(path, number, instead, line.strip())] * len(found)
    return len(hits) * 10_000 / max(words, 1), hits


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        below = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (
            file
            for file in below
            if file.suffix in {".py", *_COMMENT, *_WHOLE}
            and file.is_file()
            and file != Path(__file__)  # its strings are the patterns
        )


def _prose(path: Path) -> Iterable[tuple[int, str]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return _python_prose(text)
    lines = enumerate(text.split("\n"), 1)
    if path.suffix in _WHOLE:
        return lines
    mark = _COMMENT[path.suffix]
    return ((number, line[line.index(mark) :]) for number, line in lines if mark in line)


def _python_prose(text: str) -> Iterator[tuple[int, str]]:
    """Return comments, strings and the words of the names of tests, by line."""
    prose = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in prose:
            yield from enumerate(token.string.split("\n"), token.start[0])
    for number, line in enumerate(text.split("\n"), 1):
        if name := re.match(r"\s*(?:async )?def test_(\w+)", line):
            yield number, name[1].replace("_", " ")


if __name__ == "__main__":
    _, found_hits = rate(map(Path, sys.argv[1:]))
    print(*found_hits, sep="\n")
