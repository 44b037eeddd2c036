"""The ad that an operator creates, as the fields of one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

Creative = Mapping[str, Any]
"""The creative of an ad, as JSON."""

_STATUSES = frozenset(("status", "configured_status", "effective_status"))


class AdStatus(StrEnum):
    """Whether an ad is delivered once it is created."""

    PAUSED = "paused"
    ACTIVE = "active"


class Ad(msgspec.Struct, frozen=True, kw_only=True):
    """An ad to create in an ad set."""

    name: str
    adset: str
    status: AdStatus
    creative: Creative

    def fields(self) -> dict[str, str]:
        """Return the fields of the request."""
        return {
            "name": self.name,
            "adset_id": self.adset,
            "status": self.status.value.upper(),
            "creative": msgspec.json.encode(self.creative).decode(),
        }

    def active(self) -> str | None:
        """Return which setting, or which key of the creative, is not paused; None if none is."""
        if self.status is not AdStatus.PAUSED:
            return f"--status {self.status.value}"
        found = (
            f"{name!r}: {value!r} of the creative"
            for name, value in _members(self.creative)
            if name in _STATUSES and (not isinstance(value, str) or value.upper() != "PAUSED")
        )
        return next(found, None)


def images_named(creative: Creative) -> list[str]:
    """Return the different hashes of images that a creative names, in order."""
    named = (value for name, value in _members(creative) if name == "image_hash" and value)
    return list(dict.fromkeys(map(str, named)))


def with_hash(creative: Creative, image_hash: str) -> Creative:
    """Return a creative with this image: where it names one, else in its link, else at its top."""
    if any(name == "image_hash" for name, _ in _members(creative)):
        return _with(creative, "image_hash", image_hash)
    story = creative.get("object_story_spec")
    link = story.get("link_data") if isinstance(story, Mapping) else None
    if isinstance(story, Mapping) and isinstance(link, Mapping):
        linked = {**story, "link_data": {**link, "image_hash": image_hash}}
        return {**creative, "object_story_spec": linked}
    return {**creative, "image_hash": image_hash}


def with_file(creative: Creative, name: str) -> Creative:
    """Return a creative with the image of a part of the request: where it names one, or on top."""
    if any(key == "image_file" for key, _ in _members(creative)):
        return _with(creative, "image_file", name)
    return {**creative, "image_file": name}


def _members(value: object) -> Iterator[tuple[str, object]]:
    """Yield the keys and values of a JSON value, at any depth."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name, inner
            yield from _members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _members(inner)


def _with(value: Creative, name: str, text: str) -> dict[str, Any]:
    """Return a JSON object with a text under each key `name`, at any depth."""

    def changed(inner: object) -> object:
        if isinstance(inner, Mapping):
            return _with(inner, name, text)
        return [changed(one) for one in inner] if isinstance(inner, list) else inner

    return {key: text if key == name else changed(inner) for key, inner in value.items()}
