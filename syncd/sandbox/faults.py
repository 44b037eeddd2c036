"""Faults, scripted and random: which calls or images get a wrong response, and which one."""

from __future__ import annotations

import enum
import fnmatch
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from syncd.sandbox import errors
from syncd.sandbox.errors import CATALOGUE
from syncd.sandbox.values import AccountId, Kind, account_id

_DIGEST = re.compile(r"[0-9a-f]{8,64}")


class Trouble(enum.StrEnum):
    """A defect of a response, other than an error in JSON."""

    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    CUT_OFF = "cut_off"
    HALF_JSON = "half_json"
    SLOW = "slow"
    HANG = "hang"
    HTML_502 = "html502"
    HTML_503 = "html503"
    TOO_LARGE = "413"
    REDIRECT = "302"
    UNAUTHORIZED = "401"


_AFTER_WORK = {Trouble.RESET_AFTER, Trouble.CUT_OFF, Trouble.HALF_JSON, Trouble.SLOW}
DESCRIPTIONS = {
    Trouble.RESET_BEFORE: "the connection is reset before the work is done",
    Trouble.RESET_AFTER: "the connection is reset after the work is done",
    Trouble.CUT_OFF: "the work is done, and the connection is closed in the middle of the response",
    Trouble.HALF_JSON: "the work is done, and the response is the first half of its JSON",
    Trouble.SLOW: "the work is done, and the response is delayed by seconds=S (default 5)",
    Trouble.HANG: "no work is done and no response is sent; in a batch: null",
    Trouble.HTML_502: "a gateway's HTML page with status 502; no work is done",
    Trouble.HTML_503: "a gateway's HTML page with status 503; no work is done",
    Trouble.TOO_LARGE: "a gateway's HTML page with status 413; no work is done",
    Trouble.REDIRECT: "a redirect to the login page of a proxy; no work is done",
    Trouble.UNAUTHORIZED: "a proxy's HTML page with status 401; no work is done",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, named for an error (`80004`, `100/33`) or a Trouble (`reset_after`)."""

    name: str
    _: KW_ONLY
    rate: float = 1.0
    """The share of matching calls that it strikes."""
    times: int | None = None
    """How often it strikes; None for no limit."""
    after: int = 0
    """How many matching calls it spares first."""
    account: str | None = None
    on: str = "all"
    """The kind of call that it strikes."""
    image: str | None = None
    """Strike single images, by file name (`*.gif`) or hex SHA-256 (8 digits or more)."""
    seconds: float | None = None
    """The delay of a slow response, or how long an error blocks the account; None: not at all."""
    status: int | None = None
    """Replaces the HTTP status."""
    done: bool | None = None
    """Whether the work is done; None for the default of the trouble."""

    def __post_init__(self) -> None:
        if self.name not in CATALOGUE and self.name not in list(Trouble):
            raise FaultError(f"{self.name}: unknown fault; write one of {', '.join(names())}")
        if self.on != "all" and self.on not in list(Kind):
            raise FaultError(f"on={self.on}: write one of all, {', '.join(Kind)}")
        if not 0 <= self.rate <= 1:
            raise FaultError(f"rate={self.rate}: write a share of calls between 0 and 1")
        if self.image is not None and self.name not in CATALOGUE:
            raise FaultError(f"{self.name}: only errors of the Graph API take image=")

    @property
    def trouble(self) -> Trouble | None:
        """The trouble with this name; None for an error."""
        return Trouble(self.name) if self.name in list(Trouble) else None

    @property
    def does_work(self) -> bool:
        """Whether the work of the call is done in spite of the fault."""
        return self.trouble in _AFTER_WORK if self.done is None else self.done

    def matches(self, account: AccountId | None, kind: Kind) -> bool:
        """Return whether the fault is for this account and kind of call."""
        return self.on in ("all", kind) and (
            self.account is None or (account is not None and account_id(self.account) == account)
        )

    def matches_image(self, name: str, sha256: str) -> bool:
        """Return whether the fault is for an image with this file name or content."""
        if self.image is None:
            return False
        if _DIGEST.fullmatch(self.image) and sha256.startswith(self.image):
            return True
        return fnmatch.fnmatchcase(name, self.image)


class FaultError(ValueError):
    """An unknown fault, or a property that it does not take."""


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0
    struck: int = 0

    def is_spent(self) -> bool:
        return self.fault.times is not None and self.struck >= self.fault.times


class Faults:
    """The faults in force; of several that strike a call, the first one counts."""

    def __init__(self, seed: int = 0) -> None:
        self._armed: list[_Armed] = []
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.struck: Counter[str] = Counter()

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Remove all faults."""
        self._armed.clear()

    def active(self) -> list[Fault]:
        """Return the faults that can still strike."""
        return [armed.fault for armed in self._armed if not armed.is_spent()]

    def strike(self, account: AccountId | None, kind: Kind) -> Fault | None:
        """Return the fault that strikes this call, if any."""
        return next(
            (
                armed.fault
                for armed in self._armed
                if armed.fault.image is None
                and armed.fault.matches(account, kind)
                and self._strikes(armed)
            ),
            None,
        )

    def strike_image(self, account: AccountId, name: str, sha256: str) -> Fault | None:
        """Return the fault that strikes this image of an upload, if any."""
        return next(
            (
                armed.fault
                for armed in self._armed
                if armed.fault.matches_image(name, sha256)
                and armed.fault.matches(account, Kind.UPLOAD)
                and self._strikes(armed)
            ),
            None,
        )

    def _strikes(self, armed: _Armed) -> bool:
        armed.seen += 1
        if armed.is_spent() or armed.seen <= armed.fault.after:
            return False
        if armed.fault.rate < 1 and self._dice.random() >= armed.fault.rate:
            return False
        armed.struck += 1
        self.struck[armed.fault.name] += 1
        return True


def names() -> list[str]:
    """Return the names of all faults."""
    return [*errors.names(), *Trouble]


def parse_fault(spec: str) -> Fault:
    """Return the fault that a text such as `80004:rate=0.05:times=3:on=upload` describes."""
    name, *properties = spec.split(":")
    values: dict[str, object] = {}
    for text in properties:
        key, equals, value = text.partition("=")
        if key not in _PROPERTIES or not equals:
            raise FaultError(
                f"{spec}: {text}: write PROPERTY=VALUE with one of {', '.join(_PROPERTIES)}"
            )
        try:
            values[key] = _PROPERTIES[key](value)
        except ValueError as error:
            raise FaultError(f"{spec}: {text}: invalid value") from error
    return Fault(name, **values)  # type: ignore[arg-type]  # by _PROPERTIES, each its type


def _flag(text: str) -> bool:
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
    "done": _flag,
}
