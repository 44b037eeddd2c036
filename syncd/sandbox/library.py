"""The image libraries of the accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from syncd.sandbox.values import (
    AccountId,
    Image,
    ImageHash,
    Picture,
    Status,
    account_id,
)


class Library:
    """Images by account, without their bytes. A deletion takes effect after its lag."""

    def __init__(self, clock: Callable[[], float], *, keeps_ages: bool = False) -> None:
        """`keeps_ages`: a deleted image that is added again has its first created_time."""
        self._clock = clock
        self._keeps_ages = keeps_ages
        self._accounts: dict[AccountId, _AccountImages] = {}
        self.on_delete: Callable[[Image], None] = lambda _: None
        """Called with each image that a call deletes, just before it is deleted."""

    def accounts(self) -> list[AccountId]:
        """Return the accounts that were opened."""
        return list(self._accounts)

    def open(self, account: AccountId) -> None:
        """Create an account if it does not exist."""
        self._images_of(account)

    def images(self, account: str) -> list[Image]:
        """Return the ACTIVE images of an account."""
        return [i for i in self._images_of(account).ordered() if i.status is Status.ACTIVE]

    def everything(self, account: str) -> tuple[Image, ...]:
        """Return all images of an account, deleted ones too, in an order unrelated to time."""
        return self._images_of(account).ordered()

    def find(self, account: str, image: str) -> Image | None:
        """Return the image with this hash, even a deleted one; None if unknown."""
        return self._images_of(account).find(ImageHash(image))

    def add(self, account: str, picture: Picture, name: str) -> Image:
        """Add an image; a deleted one is replaced."""
        now = self._clock()
        former = self.find(account, picture.hash) if self._keeps_ages else None
        image = Image(
            account=account_id(account),
            picture=picture,
            name=name,
            created_time=former.created_time if former else now,
            updated_time=now,
        )
        self.put(image)
        return image

    def put(self, image: Image) -> None:
        """Store an image as it is, in place of the one with its hash."""
        self._images_of(image.account).put(image)

    def touch(self, image: Image, name: str) -> Image:
        """Record that an image was uploaded again, under this name."""
        touched = replace(image, name=name, updated_time=self._clock())
        self.put(touched)
        return touched

    def has_content(self, account: str, sha256: str) -> bool:
        """Return whether an ACTIVE image of the account came with exactly these bytes."""
        return self._images_of(account).has_content(sha256)

    def add_content(self, image: Image, sha256: str) -> None:
        """Record that bytes with this SHA-256 are this image."""
        self._images_of(image.account).contents[sha256] = image.hash

    def delete(self, image: Image, lag: float) -> None:
        """Delete an image as a call does; it remains ACTIVE for `lag` seconds."""
        self.on_delete(image)
        self._delete(image, lag)

    def remove(self, account: str, image: str) -> None:
        """Delete an image at once, as a user does in Ads Manager; raise KeyError without one."""
        held = self.find(account, image)
        if held is None:
            raise KeyError(image)
        self._delete(held, 0.0)

    def _delete(self, image: Image, lag: float) -> None:
        now = self._clock()
        self.put(replace(image, updated_time=now, gone_at=now + lag))

    def _images_of(self, account: str) -> _AccountImages:
        known = account_id(account)
        if known not in self._accounts:
            self._accounts[known] = _AccountImages()
        images = self._accounts[known]
        images.complete_deletions(self._clock())
        return images


class _AccountImages:
    """The images of one account."""

    def __init__(self) -> None:
        self._images: dict[ImageHash, Image] = {}
        self._deleting: set[ImageHash] = set()
        self._order: tuple[Image, ...] | None = None
        self.contents: dict[str, ImageHash] = {}

    def ordered(self) -> tuple[Image, ...]:
        if self._order is None:
            self._order = tuple(sorted(self._images.values(), key=order))
        return self._order

    def find(self, image: ImageHash) -> Image | None:
        return self._images.get(image)

    def has_content(self, sha256: str) -> bool:
        image = self._images.get(self.contents.get(sha256, ImageHash("")))
        return image is not None and image.status is Status.ACTIVE

    def put(self, image: Image) -> None:
        self._images[image.hash] = image
        self._order = None
        if image.gone_at is not None and image.status is Status.ACTIVE:
            self._deleting.add(image.hash)
        else:
            self._deleting.discard(image.hash)

    def complete_deletions(self, now: float) -> None:
        for image in [self._images[h] for h in self._deleting]:
            if image.gone_at is not None and image.gone_at <= now:
                self.put(replace(image, status=Status.DELETED))


def order(image: Image) -> str:
    """Return the sort key of lists: in effect random, and the same in every call."""
    return image.hash[::-1]
