"""Commands for the operator to type, quoted for a POSIX shell or bash."""

from __future__ import annotations

import shlex

import msgspec


class Command(msgspec.Struct, frozen=True):
    """A program with its arguments, which needs root, and the lines for its standard input."""

    words: tuple[str, ...]
    input_lines: tuple[str, ...] = ()

    def shell_line(self, *, sudo: bool) -> str:
        """Return the line to type; with `sudo`, for a user other than root."""
        line = " ".join(map(quote, ("sudo", *self.words) if sudo else self.words))
        if not self.input_lines:
            return line
        return f"printf '%s\\n' {' '.join(map(quote, self.input_lines))} | {line}"


def quote(word: str) -> str:
    """Return one word quoted for the shell, with unprintable characters as octal escapes."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_escape, word))}'"


def _escape(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
