"""Durations and sizes: a number, a unit, and the range that it must lie in."""

import re
from collections.abc import Mapping

import msgspec

from syncd.config.errors import RefusedError, quoted
from syncd.config.values import Parser, kind

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
