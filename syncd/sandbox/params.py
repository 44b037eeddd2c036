"""A call's parameters, from the query and any kind of body, in every notation of the SDKs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

import msgspec

from syncd.sandbox.errors import call_error
from syncd.sandbox.values import Json

_BRACKETS = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")


class Params:
    """Pairs of name and value; of several values, the last one counts where one is requested."""

    def __init__(self, pairs: Iterable[tuple[str, Json]] = ()) -> None:
        self._pairs = tuple(pairs)

    def __add__(self, other: Params) -> Params:
        return Params((*self._pairs, *other._pairs))

    def pairs(self) -> tuple[tuple[str, Json], ...]:
        return self._pairs

    def has(self, name: str) -> bool:
        """Return whether a parameter was given, plain or with brackets."""
        return any(n == name or n.startswith(f"{name}[") for n, _ in self._pairs)

    def text(self, name: str) -> str | None:
        """Return a parameter as text; None when it was not given."""
        value = next((v for n, v in reversed(self._pairs) if n == name), None)
        match value:
            case None:
                return None
            case str():
                return value
            case bool():
                return "true" if value else "false"
            case int() | float():
                return str(value)
            case _:
                return msgspec.json.encode(value).decode()

    def number(self, name: str) -> int | None:
        """Return a parameter as an integer; None when it was not given or is empty."""
        text = self.text(name)
        if text is None or text == "":
            return None
        try:
            return int(text)
        except ValueError:
            raise call_error("100", f"(#100) Param {name} must be an integer") from None

    def listed(self, name: str) -> list[str] | None:
        """Return a list: JSON, comma-separated, repeated, `name[]=` or `name[0]=`."""
        values: list[str] = []
        found = False
        for key, value in self._pairs:
            match = _BRACKETS.fullmatch(key)
            if key != name and (match is None or match[1] != name):
                continue
            found = True
            values.extend(_items(value))
        return values if found else None

    def mapping(self, name: str) -> Mapping[str, Json] | None:
        """Return an object: JSON text, JSON, or `name[key]=`."""
        inside = {
            match[2]: value
            for key, value in self._pairs
            if (match := _BRACKETS.fullmatch(key)) and match[1] == name
        }
        if inside:
            return inside
        value = next((v for n, v in reversed(self._pairs) if n == name), None)
        if isinstance(value, str):
            value = _decoded(value, name)
        if value is not None and not isinstance(value, dict):
            raise call_error("100", f"(#100) Param {name} must be an object.")
        return value


def from_urlencoded(text: str) -> Params:
    """Return the parameters of a query or urlencoded body."""
    return Params(parse_qsl(text, keep_blank_values=True, errors="replace"))


def from_json(body: bytes) -> Params:
    """Return the parameters of a JSON body."""
    if not body.strip():
        return Params()
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise call_error("100", "(#100) The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise call_error("100", "(#100) The body must be a JSON object.")
    return Params(value.items())


def _items(value: Json) -> list[str]:
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            value = _decoded(value, "list")
        else:
            return [item.strip() for item in value.split(",") if item.strip()]
    if isinstance(value, list | tuple):
        return [item if isinstance(item, str) else str(item) for item in value]
    return [] if value is None else [str(value)]


def _decoded(text: str, name: str) -> Json:
    try:
        value: Json = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise call_error("100", f"(#100) Param {name} is not valid JSON.") from None
    return value
