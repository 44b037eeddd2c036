"""One value of the file: what it may be, and the sentence for what it may not."""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from syncd.config.errors import RefusedError, quoted
from syncd.model import AccountId

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
Parser = Callable[[object], T]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def text(value: object) -> str:
    if not isinstance(value, str):
        raise RefusedError(f"is {kind(value)}, not a text", "write a text in quotes")
    return value


def texts(value: object) -> tuple[str, ...]:
    advice = 'write a list of texts, such as ["a", "b"]'
    if not isinstance(value, list):
        raise RefusedError(f"is {kind(value)}, not a list", advice)
    for item in value:
        if not isinstance(item, str):
            raise RefusedError(f"holds {kind(item)} where a text should stand", advice)
    return tuple(value)


def patterns(value: object) -> tuple[str, ...]:
    given = texts(value)
    if "" in given:
        raise RefusedError("holds an empty pattern", 'write a pattern such as "*.jpg", or nothing')
    return given


def whole_number(lowest: int, highest: int) -> Parser[int]:
    def parse(value: object) -> int:
        advice = f"write a number from {lowest} to {highest}, without quotes"
        if not isinstance(value, int) or isinstance(value, bool):
            raise RefusedError(f"is {kind(value)}, not a whole number", advice)
        if not lowest <= value <= highest:
            raise RefusedError(f"is {_numeral(value)}", advice)
        return value

    return parse


def share(value: object) -> float:
    """Take a part of a whole of which something is left: from 0 up to 1, without 1."""
    advice = "write a share from 0 to less than 1, without quotes, such as 0.1 for a tenth"
    given = _share(value, advice)
    if given == 1:
        raise RefusedError(f"is {value}", advice)
    return given


def share_or_all(value: object) -> float:
    """Take a part of a whole: from 0 to 1, both included."""
    return _share(value, "write a share from 0 to 1, without quotes, such as 0.1 for a tenth")


def _share(value: object, advice: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise RefusedError(f"is {kind(value)}, not a share", advice)
    if not 0 <= value <= 1:
        raise RefusedError(f"is {_numeral(value)}", advice)
    return float(value)


def truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise RefusedError(
            f"is {kind(value)}, not true or false", "write true or false, without quotes"
        )
    return value


def one_of(kinds: type[E]) -> Parser[E]:
    def parse(value: object) -> E:
        known = [member.value for member in kinds]
        if not isinstance(value, str) or value not in known:
            shown = quoted(value) if isinstance(value, str) else kind(value)
            choices = ", ".join(quoted(name) for name in known)
            raise RefusedError(f"is {shown}", f"write one of {choices}")
        return kinds(value)

    return parse


def path(example: str) -> Parser[str]:
    """Take an absolute path, and bring it into the one form that has no doubled slashes."""

    def parse(value: object) -> str:
        advice = f'write an absolute one, such as "{example}"'
        if not isinstance(value, str):
            raise RefusedError(f"is {kind(value)}, not a path", advice)
        if not value.startswith("/"):
            raise RefusedError(f"is {quoted(value)}, which is no absolute path", advice)
        if "\0" in value:
            raise RefusedError("holds a NUL, which no path can", advice)
        parts = [part for part in value.split("/") if part not in {"", "."}]
        # Beside a symbolic link, what ".." means is not to be seen from the path alone.
        if ".." in parts:
            raise RefusedError(f'is {quoted(value)}, with ".." in it', advice)
        return "/" + "/".join(parts)

    return parse


def version(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"v[1-9]\d{0,2}\.\d", value, re.ASCII):
        shown = quoted(value) if isinstance(value, str) else kind(value)
        raise RefusedError(f"is {shown}", 'write a version of the Graph API, such as "v25.0"')
    return value


def account_id(value: object) -> AccountId:
    advice = 'write the account\'s number with or without act_, such as "act_1234567890"'
    if not isinstance(value, str):
        raise RefusedError(f"is {kind(value)}, not a text in quotes", advice)
    digits = value.removeprefix("act_")
    if not re.fullmatch(r"[1-9]\d{0,19}", digits, re.ASCII):
        raise RefusedError(f"is {quoted(value)}, which is no account's id", advice)
    return AccountId(digits)


def base_url(value: object) -> str:
    advice = 'write "https://graph.facebook.com", or "http://127.0.0.1:PORT" for a sandbox'
    given = text(value)
    try:
        url = urlsplit(given)
        host, _ = url.hostname, url.port
    except ValueError:
        raise RefusedError(f"is {quoted(given)}, which is no URL", advice) from None
    if url.username is not None or url.password is not None:
        raise RefusedError("has a user name or password in it", advice)
    if url.scheme not in {"http", "https"} or not host or not re.fullmatch(r"[!-~]+", given):
        raise RefusedError(f"is {quoted(given)}, which is no http or https URL", advice)
    if "?" in given or "#" in given:
        raise RefusedError("has a query or a fragment in it", advice)
    if url.scheme == "http" and not _is_loopback(host):
        raise RefusedError(
            f"is {quoted(given)}: over plain http the token could be read on the way to {host}",
            advice,
        )
    return given.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_name(name: str) -> None:
    """Refuse a name of an account or folder that a log or a command line could mistake."""
    if not NAME.fullmatch(name):
        raise RefusedError(
            "is no name for an account or folder",
            "write letters, digits, _, - and . only, 64 at most, and a letter or digit first",
        )


def kind(value: object) -> str:
    """Say what TOML calls this value, for a sentence that begins with its key."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _numeral(value) if _is_huge(value) else f"the number {_numeral(value)}"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or a time"


def _numeral(value: int | float) -> str:
    return "a number of more than 64 bits" if _is_huge(value) else str(value)


def _is_huge(value: int | float) -> bool:
    """Tell whether it is more than TOML knows: Python refuses to write thousands of digits."""
    return isinstance(value, int) and value.bit_length() > 64


AMOUNT = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z]+)", re.ASCII)


class Scale(msgspec.Struct, frozen=True):
    """The units of a quantity, and how a person is told to write it."""

    units: Mapping[str, float]
    form: str

    def amount(self, written: str) -> float | None:
        found = AMOUNT.fullmatch(written)
        if found is None or found[2] not in self.units:
            return None
        return float(found[1]) * self.units[found[2]]

    def read(self, value: object, lowest: str, highest: str) -> float:
        advice = f"write {self.form}; from {lowest} to {highest}"
        if not isinstance(value, str):
            raise RefusedError(f"is {kind(value)}, and its unit is not known", advice)
        amount = self.amount(value)
        if amount is None:
            raise RefusedError(f"is {quoted(value)}", advice)
        if not (self.amount(lowest) or 0) <= amount <= (self.amount(highest) or 0):
            raise RefusedError(f"is {quoted(value)}, out of range", advice)
        return amount


SECONDS = Scale(
    units={"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400},
    form='a number and ms, s, m, h or d, such as "2s", "15m"',
)
BYTES = Scale(
    units={"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30},
    form='a number and a unit, such as "24MiB", "300KB"',
)


def duration(shortest: str, longest: str) -> Parser[float]:
    """Read "90s" or "15m" as seconds."""
    return lambda value: SECONDS.read(value, shortest, longest)


def size(smallest: str, largest: str) -> Parser[int]:
    """Read "24MiB" or "300KB" as bytes."""
    return lambda value: int(BYTES.read(value, smallest, largest))
