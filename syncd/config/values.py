"""Parsers of single values; each raises InvalidValueError with what to write instead."""

import os
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import Enum
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from syncd.config.errors import InvalidValueError, quoted
from syncd.config.shard import MOST, Shard
from syncd.config.shard import parse as parse_shard
from syncd.model import AccountId

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
Parser = Callable[[object], T]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
AMOUNT = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z]+)", re.ASCII)


def string(value: object) -> str:
    """Parse any string."""
    if not isinstance(value, str):
        raise InvalidValueError(f"expected a string, got {described(value)}", "write it in quotes")
    return value


def strings(value: object) -> tuple[str, ...]:
    """Parse an array of strings."""
    fix = 'write an array of strings, such as ["a", "b"]'
    if not isinstance(value, list):
        raise InvalidValueError(f"expected an array, got {described(value)}", fix)
    for item in value:
        if not isinstance(item, str):
            raise InvalidValueError(f"expected strings in the array, got {described(item)}", fix)
        if "\0" in item:
            raise InvalidValueError("contains a NUL character", fix)
    return tuple(value)


def patterns(value: object) -> tuple[str, ...]:
    """Parse an array of non-empty strings."""
    given = strings(value)
    if "" in given:
        raise InvalidValueError(
            "contains an empty pattern", 'write a pattern such as "*.jpg", or remove the empty one'
        )
    return given


def integer(lowest: int, highest: int) -> Parser[int]:
    """Return a parser of integers from `lowest` to `highest`."""

    def parse(value: object) -> int:
        fix = f"write an integer from {lowest} to {highest}, without quotes"
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidValueError(f"expected an integer, got {described(value)}", fix)
        if not lowest <= value <= highest:
            raise InvalidValueError(f"{_numeral(value)} is out of range", fix)
        return value

    return parse


def share(value: object) -> float:
    """Parse a share of a whole that leaves some of it: from 0 to less than 1."""
    fix = "write a number from 0 to less than 1, without quotes, such as 0.1 for 10 %"
    given = _share(value, fix)
    if given == 1:
        raise InvalidValueError(f"{value} is out of range", fix)
    return given


def share_or_all(value: object) -> float:
    """Parse a share of a whole: from 0 to 1, both included."""
    return _share(value, "write a number from 0 to 1, without quotes, such as 0.1 for 10 %")


def _share(value: object, fix: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidValueError(f"expected a float, got {described(value)}", fix)
    if not 0 <= value <= 1:
        raise InvalidValueError(f"{_numeral(value)} is out of range", fix)
    return float(value)


def boolean(value: object) -> bool:
    """Parse true or false."""
    if not isinstance(value, bool):
        raise InvalidValueError(
            f"expected a boolean, got {described(value)}", "write true or false, without quotes"
        )
    return value


def one_of(kinds: type[E]) -> Parser[E]:
    """Return a parser of the values of an enum of strings."""

    def parse(value: object) -> E:
        known = [member.value for member in kinds]
        fix = f"write one of {', '.join(map(quoted, known))}"
        if not isinstance(value, str):
            raise InvalidValueError(f"expected a string, got {described(value)}", fix)
        if value not in known:
            raise InvalidValueError(f"{quoted(value)} is not a known value", fix)
        return kinds(value)

    return parse


def several_of(kinds: type[E]) -> Parser[tuple[E, ...]]:
    """Return a parser of arrays of the values of an enum of strings, without repetitions."""
    known: list[str] = [member.value for member in kinds]

    def parse(value: object) -> tuple[E, ...]:
        fix = f"write some of {', '.join(map(quoted, known))}"
        given = strings(value)
        if not given:
            raise InvalidValueError("is empty", fix)
        for word in given:
            if word not in known:
                near = get_close_matches(word, known, n=1, cutoff=0.5)
                fix = f"did you mean {quoted(near[0])}? {fix[0].upper()}{fix[1:]}" if near else fix
                raise InvalidValueError(f"{quoted(word)} is not a known value", fix)
        return tuple(kinds(word) for word in dict.fromkeys(given))

    return parse


class Scale(msgspec.Struct, frozen=True):
    """The units of a quantity, its name, and an example of how it is written."""

    units: Mapping[str, float]
    name: str
    example: str

    def amount(self, text: str) -> float | None:
        """Return the amount in the base unit, or None for what is not an amount."""
        found = AMOUNT.fullmatch(text)
        if found is None or found[2] not in self.units:
            return None
        return float(found[1]) * self.units[found[2]]

    def parse(self, value: object, lowest: str, highest: str) -> float:
        """Parse a string of a number and a unit; raise InvalidValueError outside the limits."""
        fix = f"write a {self.name} such as {self.example}, from {quoted(lowest)} to"
        fix = f"{fix} {quoted(highest)}; the units are {', '.join(self.units)}"
        if not isinstance(value, str):
            message = f"expected a string with a unit, got {described(value)}"
            raise InvalidValueError(message, fix)
        amount = self.amount(value)
        if amount is None:
            raise InvalidValueError(f"{quoted(value)} is not a {self.name}", fix)
        if not (self.amount(lowest) or 0) <= amount <= (self.amount(highest) or 0):
            raise InvalidValueError(f"{quoted(value)} is out of range", fix)
        return amount


SECONDS = Scale(
    units={"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400},
    name="duration",
    example='"15m"',
)
BYTES = Scale(
    units={"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30},
    name="size",
    example='"24MiB"',
)


def duration(shortest: str, longest: str) -> Parser[float]:
    """Return a parser of durations such as "90s" or "15m", which it returns in seconds."""
    return lambda value: SECONDS.parse(value, shortest, longest)


def size(smallest: str, largest: str) -> Parser[int]:
    """Return a parser of sizes such as "24MiB" or "300KB", which it returns in bytes."""
    return lambda value: int(BYTES.parse(value, smallest, largest))


def below(path: str, directory: Path) -> str:
    """Return a path that begins with ~ or in a directory as an absolute one."""
    return os.path.join(directory, os.path.expanduser(path))


def path(example: str, directory: Path) -> Parser[str]:
    """Return a parser of paths, which it returns as absolute ones without doubled slashes.

    Relative ones begin in `directory`.
    """

    def parse(value: object) -> str:
        fix = f'write a path, such as "{example}"'
        if not isinstance(value, str):
            raise InvalidValueError(f"expected a string, got {described(value)}", fix)
        if not value:
            raise InvalidValueError("is empty", fix)
        if "\0" in value:
            raise InvalidValueError("contains a NUL character, which no path can contain", fix)
        whole = below(value, directory)
        if value.startswith("~") and os.path.expanduser(value) == value:
            raise InvalidValueError(f"{quoted(value)}: that home directory is not known", fix)
        parts = [part for part in whole.split("/") if part not in {"", "."}]
        # After a symbolic link, ".." cannot be resolved from the path alone.
        if ".." in parts:
            raise InvalidValueError(f'{quoted(value)} contains ".."', fix)
        return "/" + "/".join(parts)

    return parse


def version(value: object) -> str:
    """Parse a version of the Graph API."""
    fix = 'write a version such as "v25.0"'
    if not isinstance(value, str):
        raise InvalidValueError(f"expected a string, got {described(value)}", fix)
    if not re.fullmatch(r"v[1-9]\d{0,2}\.\d", value, re.ASCII):
        raise InvalidValueError(f"{quoted(value)} is not a version of the Graph API", fix)
    return value


def account_id(value: object) -> AccountId:
    """Parse the id of an ad account, which is returned without "act_"."""
    fix = 'write the account\'s number in quotes, with or without act_, such as "act_1234567890"'
    if not isinstance(value, str):
        raise InvalidValueError(f"expected a string, got {described(value)}", fix)
    digits = value.removeprefix("act_")
    if not re.fullmatch(r"[1-9]\d{0,19}", digits, re.ASCII):
        raise InvalidValueError(f"{quoted(value)} is not an account id", fix)
    return AccountId(digits)


def shard(value: object) -> Shard:
    """Parse a shard, K/N."""
    fix = f'write "K/N" with K from 0 to N - 1 and N up to {MOST}, such as "0/3" for the first of 3'
    given = string(value)
    if (found := parse_shard(given)) is None:
        raise InvalidValueError(f"{quoted(given)} is not a shard", fix)
    return found


def base_url(value: object) -> str:
    """Parse an https URL, or an http URL of this machine; return it without a trailing slash."""
    fix = 'write "https://graph.facebook.com", or "http://127.0.0.1:PORT" for a sandbox'
    given = string(value)
    try:
        url = urlsplit(given)
        host, _ = url.hostname, url.port
    except ValueError:
        raise InvalidValueError(f"{quoted(given)} is not a URL", fix) from None
    if url.username is not None or url.password is not None:
        raise InvalidValueError("contains a user name or a password", fix)
    if url.scheme not in {"http", "https"} or not host or not re.fullmatch(r"[!-~]+", given):
        raise InvalidValueError(f"{quoted(given)} is not an http or https URL", fix)
    if "?" in given or "#" in given:
        raise InvalidValueError("contains a query or a fragment", fix)
    if url.scheme == "http" and not _is_loopback(host):
        raise InvalidValueError(
            f"{quoted(given)} would send the token unencrypted over the network", fix
        )
    return given.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_name(name: str) -> None:
    """Raise InvalidValueError for a name that is ambiguous in a log or on a command line."""
    if not NAME.fullmatch(name):
        raise InvalidValueError(
            "is not a valid name for an account or a folder",
            "write at most 64 letters, digits, _, - and ., beginning with a letter or digit",
        )


def described(value: object) -> str:
    """Return the TOML type of a value, and the value where it is short."""
    match value:
        case bool():
            return f"the boolean {str(value).lower()}"
        case int():
            return _numeral(value) if _is_huge(value) else f"the integer {value}"
        case float():
            return f"the float {value}"
        case str():
            return "a string"
        case list():
            return "an array"
        case dict():
            return "a table"
        case _:
            return "a date or a time"


def _numeral(value: int | float) -> str:
    return "an integer of more than 64 bits" if _is_huge(value) else str(value)


def _is_huge(value: int | float) -> bool:
    """Return whether an integer exceeds TOML's range: Python does not print thousands of digits."""
    return isinstance(value, int) and value.bit_length() > 64
