"""Questions of `syncd init`: which accounts a typed text means, and which names are proposed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from syncd.graph.access import AdAccount
from syncd.setup.written import FormError

_NUMBERS = re.compile(r"[\d\s,-]+")
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")
_LONGEST = 40


def is_choice(text: str) -> bool:
    """Return whether a text names numbers of a list; any other text filters the list."""
    return text == "all" or _NUMBERS.fullmatch(text) is not None


def chosen(text: str, shown: Sequence[int], count: int) -> list[int]:
    """Return the numbers that a text such as "1,3-5" names, each once; "all" is all that are shown.

    Raises FormError for a number that is not in a list of `count` entries.
    """
    if text == "all":
        return list(shown)
    found: dict[int, None] = {}
    for part in text.replace(" ", "").split(","):
        numbers = _RANGE.fullmatch(part)
        first = int(numbers[1]) if numbers else 0
        last = int(numbers[2] or first) if numbers else 0
        if not 1 <= first <= last <= count:
            raise FormError(f'"{part}" is not in the list: write numbers from 1 to {count},'
                            ' such as 1,3-5')  # fmt: skip
        found |= dict.fromkeys(range(first, last + 1))
    return list(found)


def matching(accounts: Sequence[AdAccount], text: str) -> list[int]:
    """Return the numbers of the accounts whose id, name or business contains a text."""
    return [
        number
        for number, one in enumerate(accounts, 1)
        if text.casefold() in f"act_{one.id} {one.name} {one.business}".casefold()
    ]


def proposed(title: str | None, taken: Collection[str], otherwise: str) -> str:
    """Return a name for an account or a folder that is valid and not taken."""
    plain = unicodedata.normalize("NFKD", title or "").encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or otherwise
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (base, *numbered) if name not in taken)
