"""Commands that a person is told to type, quoted so that a shell takes them as they are meant."""

from __future__ import annotations

import shlex

import msgspec


class Command(msgspec.Struct, frozen=True):
    """A program and its arguments, for root to run, and the lines that it reads."""

    words: tuple[str, ...]
    reads: tuple[str, ...] = ()

    def typed(self, *, sudo: bool) -> str:
        """Return the line to type, by root or by somebody who may use sudo."""
        line = " ".join(map(quoted, ("sudo", *self.words) if sudo else self.words))
        if not self.reads:
            return line
        return f"printf '%s\\n' {' '.join(map(quoted, self.reads))} | {line}"


def run(*words: str) -> Command:
    return Command(words)


def quoted(word: str) -> str:
    """Return one word for the shell; what is not printable becomes visible, and no command."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
