"""The image libraries of the accounts: what is held, used, and gone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

from syncd.sandbox.values import (
    AccountId,
    CreativeId,
    Image,
    ImageHash,
    Picture,
    Status,
    account_id,
)

_FIRST_ID = 23_840_000_000_000_000


class Library:
    """Images by account. No bytes are kept. Every reader sees deletions that have become true."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shelves: dict[AccountId, _Shelf] = {}
        self._ids = itertools.count(_FIRST_ID)
        self.on_delete: Callable[[Image], None] = lambda _: None
        """Called with each image that a call deletes, just before it is deleted."""

    def accounts(self) -> list[AccountId]:
        return list(self._shelves)

    def open(self, account: AccountId) -> None:
        """Let an account spring into being."""
        self._shelf(account)

    def images(self, account: str) -> list[Image]:
        """Return the images that a reader would find ACTIVE."""
        return [i for i in self._shelf(account).ordered() if i.status is Status.ACTIVE]

    def everything(self, account: str) -> tuple[Image, ...]:
        """Return every image there ever was, in an order that has nothing to do with time."""
        return self._shelf(account).ordered()

    def find(self, account: str, image: str) -> Image | None:
        """Return the image of this hash, a deleted one too."""
        return self._shelf(account).find(ImageHash(image))

    def put(self, account: str, picture: Picture, name: str) -> Image:
        """Hold an image, anew when it was gone."""
        now = self._clock()
        image = Image(account_id(account), picture, name, now, now)
        self._shelf(account).put(image)
        return image

    def touch(self, image: Image, name: str) -> Image:
        """Note that an image came again, under this name."""
        touched = replace(image, name=name, updated_time=self._clock())
        self._shelf(image.account).put(touched)
        return touched

    def knows(self, account: str, sha256: str) -> bool:
        """Tell whether these very bytes are in the account now."""
        return self._shelf(account).knows(sha256)

    def learn(self, image: Image, sha256: str) -> None:
        """Remember that these bytes too are this image."""
        self._shelf(image.account).contents[sha256] = image.hash

    def delete(self, image: Image, lag: float) -> None:
        """Delete an image as a call does; it still reads ACTIVE for `lag` seconds."""
        self.on_delete(image)
        self._delete(image, lag)

    def remove(self, account: str, image: str) -> None:
        """Remove an image at once, as a person does by hand."""
        held = self.find(account, image)
        if held is None:
            raise KeyError(image)
        self._delete(held, 0.0)

    def add_creative(self, account: str, image: str) -> CreativeId:
        """Make a creative that uses the image, which then cannot be deleted."""
        creative = CreativeId(str(next(self._ids)))
        self._shelf(account).creatives[creative] = ImageHash(image)
        return creative

    def remove_creative(self, creative: str) -> AccountId | None:
        """Delete a creative; returns its account, or None when there is none of this id."""
        for account, shelf in self._shelves.items():
            if shelf.creatives.pop(CreativeId(creative), None) is not None:
                return account
        return None

    def creatives(self, image: Image) -> list[CreativeId]:
        used = self._shelf(image.account).creatives
        return [creative for creative, of in used.items() if of == image.hash]

    def add_ad(self, account: str, creative: CreativeId) -> str:
        """Make an active ad of a creative: the hourly budget grows with each."""
        self._shelf(account).ads.append(creative)
        return str(next(self._ids))

    def ads(self, account: str) -> int:
        return len(self._shelf(account).ads)

    def advertised(self, image: Image) -> bool:
        """Tell whether an ad uses the image."""
        ads = self._shelf(image.account).ads
        return any(creative in ads for creative in self.creatives(image))

    def _delete(self, image: Image, lag: float) -> None:
        now = self._clock()
        self._shelf(image.account).put(replace(image, updated_time=now, gone_at=now + lag))

    def _shelf(self, account: str) -> _Shelf:
        known = account_id(account)
        if known not in self._shelves:
            self._shelves[known] = _Shelf()
        shelf = self._shelves[known]
        shelf.settle(self._clock())
        return shelf


class _Shelf:
    """One account's images, and what uses them."""

    def __init__(self) -> None:
        self._images: dict[ImageHash, Image] = {}
        self._leaving: set[ImageHash] = set()
        self._order: tuple[Image, ...] | None = None
        self.contents: dict[str, ImageHash] = {}
        self.creatives: dict[CreativeId, ImageHash] = {}
        self.ads: list[CreativeId] = []

    def ordered(self) -> tuple[Image, ...]:
        if self._order is None:
            self._order = tuple(sorted(self._images.values(), key=order))
        return self._order

    def find(self, image: ImageHash) -> Image | None:
        return self._images.get(image)

    def knows(self, sha256: str) -> bool:
        image = self._images.get(self.contents.get(sha256, ImageHash("")))
        return image is not None and image.status is Status.ACTIVE

    def put(self, image: Image) -> None:
        self._images[image.hash] = image
        self._order = None
        if image.gone_at is not None and image.status is Status.ACTIVE:
            self._leaving.add(image.hash)
        else:
            self._leaving.discard(image.hash)

    def settle(self, now: float) -> None:
        for image in [self._images[h] for h in self._leaving]:
            if image.gone_at is not None and image.gone_at <= now:
                self.put(replace(image, status=Status.DELETED))


def order(image: Image) -> str:
    """The key that lists go by: as good as random, and the same at every call."""
    return image.hash[::-1]
