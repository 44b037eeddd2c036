"""The creatives and ads of the accounts; an image in a creative cannot be deleted."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from time import time

from syncd.sandbox.values import AccountId, CreativeId, Image, ImageHash, Json, account_id

_FIRST_ID = 23_840_000_000_000_000


class AdStatus(enum.StrEnum):
    """Whether an ad is delivered; each active one raises the hourly budget of its account."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ARCHIVED = "ARCHIVED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Creative:
    """A creative, the images that it uses, and what it was created from."""

    id: CreativeId
    account: AccountId
    images: frozenset[ImageHash]
    name: str
    spec: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ad:
    """An ad. Times are seconds since the epoch."""

    id: str
    account: AccountId
    creative: CreativeId
    name: str
    adset: str
    status: AdStatus
    created_time: float


class Creatives:
    """The creatives and ads of all accounts, by their ids."""

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._creatives: dict[str, Creative] = {}
        self._ads: dict[str, Ad] = {}
        self._ids = itertools.count(_FIRST_ID)

    def add(
        self,
        account: str,
        *images: str,
        name: str = "",
        spec: Mapping[str, Json] | None = None,
    ) -> CreativeId:
        """Create a creative that uses images."""
        creative = Creative(
            id=CreativeId(str(next(self._ids))),
            account=account_id(account),
            images=frozenset(map(ImageHash, images)),
            name=name,
            spec=spec or {},
        )
        self._creatives[creative.id] = creative
        return creative.id

    def find(self, creative: str) -> Creative | None:
        """Return the creative with this id; None if it does not exist."""
        return self._creatives.get(creative)

    def remove(self, creative: str) -> None:
        """Delete a creative."""
        del self._creatives[creative]

    def in_account(self, account: str) -> list[Creative]:
        """Return the creatives of an account, in the order of their ids."""
        return [one for one in self._creatives.values() if one.account == account_id(account)]

    def using(self, image: Image) -> list[CreativeId]:
        """Return the creatives that use an image."""
        return [one.id for one in self.in_account(image.account) if image.hash in one.images]

    def add_ad(
        self,
        account: str,
        creative: CreativeId,
        *,
        name: str = "",
        adset: str = "",
        status: AdStatus = AdStatus.ACTIVE,
    ) -> str:
        """Create an ad."""
        ad = Ad(
            id=str(next(self._ids)),
            account=account_id(account),
            creative=creative,
            name=name,
            adset=adset,
            status=status,
            created_time=self._clock(),
        )
        self._ads[ad.id] = ad
        return ad.id

    def find_ad(self, ad: str) -> Ad | None:
        """Return the ad with this id; None if it does not exist or was deleted."""
        found = self._ads.get(ad)
        return None if found is None or found.status is AdStatus.DELETED else found

    def set_status(self, ad: Ad, status: AdStatus) -> None:
        """Change the status of an ad; a deleted one is no longer found."""
        self._ads[ad.id] = replace(ad, status=status)

    def ads_in(self, account: str) -> list[Ad]:
        """Return the ads of an account, in the order of their ids, without deleted ones."""
        return [
            ad
            for ad in self._ads.values()
            if ad.account == account_id(account) and ad.status is not AdStatus.DELETED
        ]

    def ads(self, account: str) -> int:
        """Return the number of active ads in an account."""
        return sum(ad.status is AdStatus.ACTIVE for ad in self.ads_in(account))

    def is_advertised(self, image: Image) -> bool:
        """Return whether an ad uses the image."""
        creatives: Collection[str] = self.using(image)
        return any(ad.creative in creatives for ad in self.ads_in(image.account))
