"""Faults, scripted and random: which call, or which image, is to be answered wrongly, and how."""

from __future__ import annotations

import enum
import fnmatch
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from syncd.sandbox import errors
from syncd.sandbox.errors import CATALOGUE
from syncd.sandbox.values import AccountId, Kind, account_id

_DIGEST = re.compile(r"[0-9a-f]{8,64}")


class Trouble(enum.StrEnum):
    """What can go wrong with an answer besides an error in JSON."""

    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    CUT_OFF = "cut_off"
    HALF_JSON = "half_json"
    SLOW = "slow"
    HANG = "hang"
    HTML_502 = "html502"
    HTML_503 = "html503"
    TOO_LARGE = "413"


DONE_BEFORE_TROUBLE = {Trouble.RESET_AFTER, Trouble.CUT_OFF, Trouble.HALF_JSON, Trouble.SLOW}
EXPLAINED = {
    Trouble.RESET_BEFORE: "the connection is reset, and nothing was done",
    Trouble.RESET_AFTER: "the work is done, then the connection is reset",
    Trouble.CUT_OFF: "the work is done, and the connection ends in the middle of the answer",
    Trouble.HALF_JSON: "the work is done, and the answer is half its JSON",
    Trouble.SLOW: "the work is done, and the answer comes after :seconds=S (default 5)",
    Trouble.HANG: "nothing is done and nothing is answered; in a batch: null",
    Trouble.HTML_502: "a gateway's HTML page with 502, and nothing was done",
    Trouble.HTML_503: "a gateway's HTML page with 503, and nothing was done",
    Trouble.TOO_LARGE: "413 and a page without JSON",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its name is an error's (`80004`, `100/33`) or a Trouble's (`reset_after`).

    `times` counts how often it strikes, `after` how many matching calls it lets go first.
    `image` makes it strike images, by file name (`*.gif`) or by the hex SHA-256 of their bytes
    (8 digits are enough). `seconds` is a slow answer's wait, or how long the account stays blocked
    with this error; an error without it strikes and is over. `done` says whether the work is done
    nevertheless, `status` replaces the HTTP status.
    """

    name: str
    rate: float = 1.0
    times: int | None = None
    after: int = 0
    account: str | None = None
    on: str = "all"
    image: str | None = None
    seconds: float | None = None
    status: int | None = None
    done: bool | None = None

    def __post_init__(self) -> None:
        if self.name not in CATALOGUE and self.name not in list(Trouble):
            raise FaultError(f"{self.name}: no such fault; known are {', '.join(names())}")
        if self.on != "all" and self.on not in list(Kind):
            raise FaultError(f"on={self.on}: known are all, {', '.join(Kind)}")
        if not 0 <= self.rate <= 1:
            raise FaultError(f"rate={self.rate}: write a share of calls between 0 and 1")
        if self.image is not None and self.name not in CATALOGUE:
            raise FaultError(f"{self.name}: only an error of the Graph API strikes single images")

    @property
    def trouble(self) -> Trouble | None:
        return Trouble(self.name) if self.name in list(Trouble) else None

    @property
    def works(self) -> bool:
        """Whether the call's work is done in spite of the fault."""
        return self.trouble in DONE_BEFORE_TROUBLE if self.done is None else self.done

    def concerns(self, account: AccountId | None, kind: Kind) -> bool:
        return self.on in ("all", kind) and (
            self.account is None or (account is not None and account_id(self.account) == account)
        )

    def concerns_image(self, name: str, sha256: str) -> bool:
        if self.image is None:
            return False
        if _DIGEST.fullmatch(self.image) and sha256.startswith(self.image):
            return True
        return fnmatch.fnmatchcase(name, self.image)


class FaultError(ValueError):
    """A fault that cannot be: no such name, or a property out of its range."""


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0
    struck: int = 0

    def spent(self) -> bool:
        return self.fault.times is not None and self.struck >= self.fault.times


class Faults:
    """The faults in force. The first one that concerns a call and strikes, wins."""

    def __init__(self, seed: int = 0) -> None:
        self._armed: list[_Armed] = []
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.struck: Counter[str] = Counter()

    def add(self, fault: Fault) -> None:
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        self._armed.clear()

    def active(self) -> list[Fault]:
        """Return the faults that can still strike."""
        return [armed.fault for armed in self._armed if not armed.spent()]

    def strike(self, account: AccountId | None, kind: Kind) -> Fault | None:
        """Return the fault for this call, if one strikes."""
        return next(
            (
                armed.fault
                for armed in self._armed
                if armed.fault.image is None
                and armed.fault.concerns(account, kind)
                and self._falls_on(armed)
            ),
            None,
        )

    def strike_image(self, account: AccountId, name: str, sha256: str) -> Fault | None:
        """Return the fault for this image of an upload, if one strikes."""
        return next(
            (
                armed.fault
                for armed in self._armed
                if armed.fault.concerns_image(name, sha256)
                and armed.fault.concerns(account, Kind.UPLOAD)
                and self._falls_on(armed)
            ),
            None,
        )

    def _falls_on(self, armed: _Armed) -> bool:
        armed.seen += 1
        if armed.spent() or armed.seen <= armed.fault.after:
            return False
        if armed.fault.rate < 1 and self._dice.random() >= armed.fault.rate:
            return False
        armed.struck += 1
        self.struck[armed.fault.name] += 1
        return True


def names() -> list[str]:
    """Return the name of every fault."""
    return [*errors.names(), *Trouble]


def parse_fault(spec: str) -> Fault:
    """Read `NAME[:rate=0.05][:times=3][:after=10][:account=1][:on=upload][:image=*.gif]…`."""
    name, *properties = spec.split(":")
    values: dict[str, object] = {}
    for text in properties:
        key, equals, value = text.partition("=")
        if key not in _PROPERTIES or not equals:
            raise FaultError(f"{spec}: {text}: write one of {', '.join(_PROPERTIES)} and =VALUE")
        try:
            values[key] = _PROPERTIES[key](value)
        except ValueError as error:
            raise FaultError(f"{spec}: {text}: no such value") from error
    return Fault(name, **values)  # type: ignore[arg-type]  # by _PROPERTIES, each its type


def _truth(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


_PROPERTIES: dict[str, Callable[[str], object]] = {
    "rate": float,
    "times": int,
    "after": int,
    "account": str,
    "on": str,
    "image": str,
    "seconds": float,
    "status": int,
    "done": _truth,
}
