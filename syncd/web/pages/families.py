"""The families: each motif with its ratios, those that are missing, and its accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from syncd.config import Config
from syncd.ledger.families import FoundFamily, Key
from syncd.ledger.library import Card
from syncd.ledger.library_filter import State
from syncd.model import AccountId, decoded_name
from syncd.rules.family import member
from syncd.web.addresses import families_address, image_address, picture_address
from syncd.web.html import Html, element, name
from syncd.web.pages.layout import choice, folded, keys, more_link, search_box, whole_page

_HELD = {State.HELD, State.COPIED}


class FamiliesFound(msgspec.Struct, frozen=True, kw_only=True):
    """Families with the images of each, and the search that found them."""

    folder: str
    part: str
    families: Sequence[tuple[FoundFamily, Sequence[Card]]]
    after: Key | None


def families_page(found: FamiliesFound, config: Config, *, signed_in: bool) -> bytes:
    """Return the page of families."""
    content = (
        element("h1", "Families"),
        element("p", _ABOUT, class_="note"),
        _form(found, config),
        keys(_KEYS),
        element("div", (_family(*one, config) for one in found.families), id="grid"),
        _end(found),
    )
    return whole_page("Families", content, signed_in=signed_in, at="/families")


_ABOUT = (
    "Files of one directory whose names differ only in the ratio at their end, such as"
    " summer_1x1.jpg and summer_9x16.jpg. A dashed ratio is one that other motifs there have."
)
_KEYS = (
    ("/", "search"),
    ("← → ↑ ↓, j k", "move"),
    ("Enter", "open"),
    ("m", "show more"),
    ("?", "show these keys"),
)


def _form(found: FamiliesFound, config: Config) -> Html:
    return element(
        "form",
        search_box(found.part, "Part of the motif"),
        choice("folder", "every folder", config.folders, found.folder),
        element("button", "Search"),
        method="get",
        action="/families",
        class_="search",
        role="search",
    )


def _end(found: FamiliesFound) -> Html:
    if found.after is not None:
        after = f"{found.after.directory}-{found.after.name.hex()}"
        address = families_address(q=found.part, folder=found.folder, after=after)
        return more_link(address, is_empty=not found.families)
    if found.families:
        text = "That is all."
    elif found.part or found.folder:
        text = "No family matches."
    else:
        text = "No file name ends in a ratio, such as summer_1x1.jpg or summer_vertical.jpg."
    return element("p", text, id="end")


def _family(family: FoundFamily, cards: Sequence[Card], config: Config) -> Html:
    first = family.files[0].name
    motif = decoded_name(first)[: len(family.motif)]
    members = zip(family.files, cards, strict=False)
    missing = (
        element("li", element("span", "missing", class_="none"), _ratio(ratio), class_="absent")
        for ratio in family.ratios.missing
    )
    more = len(family.files) - len(cards)
    directory = (" / ", name(family.directory)) if family.directory else None
    shown = (_member(file.name, card) for file, card in members)
    content = (
        element("h3", element("a", name(motif), href=image_address(cards[0].digest))),
        element("p", name(family.folder), directory, class_="note"),
        element("ul", shown, missing, class_="members"),
        element("p", f"and {more:,} more files", class_="note") if more else None,
        folded(list(_accounts(cards, config)), ""),
    )
    return element("article", content, class_="image family-card")


def _member(file: bytes, card: Card) -> Html:
    text = decoded_name(file)
    own = member(text)
    picture = element("img", src=picture_address(card.digest), alt="", loading="lazy")
    return element(
        "li",
        element(
            "a",
            picture,
            _ratio("" if own is None else own.ratio),
            href=image_address(card.digest),
            title=text,
            aria_label=text,
        ),
    )


def _ratio(ratio: str) -> Html:
    return element("span", ratio, class_="ratio")


def _accounts(cards: Sequence[Card], config: Config) -> Iterator[Html]:
    """Yield each account with how many of the images it holds, those that lack one first."""
    wanted: Counter[AccountId] = Counter()
    held: Counter[AccountId] = Counter()
    rejected: Counter[AccountId] = Counter()
    for replica in (replica for card in cards for replica in card.replicas):
        wanted[replica.account] += 1
        held[replica.account] += replica.state in _HELD
        rejected[replica.account] += replica.state is State.REJECTED
    for account, count in sorted(wanted.items(), key=lambda one: held[one[0]] == one[1]):
        state = "rejected" if rejected[account] else "missing"
        yield element(
            "li",
            element("span", name(config.name_of(account))),
            element("b", "held" if held[account] == count else f"{held[account]} of {count} held"),
            class_="held" if held[account] == count else state,
        )
