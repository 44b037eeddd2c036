"""The JSON representation of an image: in the response to an upload, and as a node's fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from syncd.sandbox.calls import Call
from syncd.sandbox.errors import nonexisting_field
from syncd.sandbox.state import State
from syncd.sandbox.values import Image, Json, graph_time

DEFAULT_FIELDS: Final = ("id", "hash")
_ABSENT: Final = frozenset({"owner_business"})
"""Fields that the SDKs know and the reference page does not: accepted, and never returned."""


def uploaded(image: Image, name: str, call: Call, state: State) -> dict[str, Json]:
    """Return an image's value in `images`; two of its numbers are strings, as observed."""
    if state.switches.answer_keys == "hash_and_url":
        return {"hash": image.hash, "url": _url(image, "full", call, state)}
    width, height = boxed(image.width, image.height, 256)
    return {
        "hash": image.hash,
        "url": _url(image, "full", call, state),
        "url_128": _url(image, "128", call, state),
        "url_256": _url(image, "256", call, state),
        "url_256_height": str(height),
        "url_256_width": str(width),
        "height": image.height,
        "width": image.width,
        "name": name,
    }


def node(image: Image, fields: Iterable[str], call: Call, state: State) -> dict[str, Json]:
    """Return the requested fields of an image, and always its id."""
    view = _View(image, call, state)
    values = {name: _FIELDS[name](view) for name in fields if name in _FIELDS}
    return values | {"id": image.id}


def image_fields_of(call: Call) -> list[str]:
    """Return the fields of an image that a call requests; raise 100 for one that it lacks."""
    fields = fields_of(call)
    for name in fields:
        if name not in _FIELDS and name not in _ABSENT:
            raise nonexisting_field(name, "AdImage")
    return fields


def fields_of(call: Call) -> list[str]:
    """Return the fields that a call requests, without those of nested objects."""
    text = call.params.text("fields") or ""
    if text.lstrip().startswith("["):
        return call.params.listed("fields") or list(DEFAULT_FIELDS)
    names, depth, name = [], 0, ""
    for sign in [*text, ","]:
        depth += (sign in "{(") - (sign in "})")
        if sign == "," and depth == 0:
            names.append(name.partition("{")[0].partition(".")[0].strip())
            name = ""
        else:
            name += sign
    return [name for name in dict.fromkeys(names) if name] or list(DEFAULT_FIELDS)


def boxed(width: int, height: int, box: int) -> tuple[int, int]:
    """Return the size of a picture that is scaled down to fit a square of `box` pixels."""
    scale = min(1.0, box / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _url(image: Image, size: str, call: Call, state: State) -> str:
    expiry = int(state.clock() + state.switches.url_lifetime)
    return f"{call.base_url}/sandbox/images/{image.hash}?size={size}&oe={expiry:X}"


@dataclass(frozen=True, slots=True)
class _View:
    """An image, with what its derived fields are computed from."""

    image: Image
    call: Call
    state: State

    def url(self, size: str) -> str:
        return _url(self.image, size, self.call, self.state)


_FIELDS: Final[dict[str, Callable[[_View], Json]]] = {
    "id": lambda view: view.image.id,
    "account_id": lambda view: view.image.account,
    "created_time": lambda view: graph_time(view.image.created_time),
    "creatives": lambda view: view.state.creatives.using(view.image),
    "hash": lambda view: view.image.hash,
    "height": lambda view: view.image.height,
    "is_associated_creatives_in_adgroups": lambda view: view.state.creatives.is_advertised(
        view.image
    ),
    "name": lambda view: view.image.name,
    "original_height": lambda view: view.image.picture.original_height,
    "original_width": lambda view: view.image.picture.original_width,
    "permalink_url": lambda view: f"{view.call.base_url}/sandbox/images/{view.image.hash}",
    "status": lambda view: view.image.status,
    "updated_time": lambda view: graph_time(view.image.updated_time),
    "url": lambda view: view.url("full"),
    "url_128": lambda view: view.url("128"),
    "width": lambda view: view.image.width,
}
