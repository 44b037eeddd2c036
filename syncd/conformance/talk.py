"""The whole talk with an API: which checks are made within a budget, and the cleanup after them."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from functools import partial

import msgspec

from syncd.conformance import changes, reads, uploads
from syncd.conformance.messages import (
    Delete,
    Finding,
    Read,
    Reply,
    Request,
    Steps,
    Wait,
    points,
    unsettled,
)
from syncd.conformance.uploads import SHARED, Set, Way
from syncd.model import AccountId, ImageHash
from syncd.rules.errors import Verdict, judge
from syncd.rules.pacing.budget import WRITE_POINTS

_MOST_PAGES = 3
"""Pages of a list in the cleanup: it names a few dozen images."""

_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two reads of images that are still listed after their deletion: 60 in all."""

MAX_READS_OF_CLEANUP = _MOST_PAGES * (2 + len(_WAITS))
"""Reads of a cleanup at most; each image takes one call more."""

_PAGE = 100  # images of a list by name


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A check, the most reads and writes that it makes, and the most images that it creates."""

    name: str
    begin: Callable[[], Steps]
    reads: int = 0
    writes: int = 0
    images: int = 0

    @property
    def points(self) -> int:
        """The most points that it costs, with the deletion of its images."""
        return self.reads + WRITE_POINTS * (max(self.writes, self.images) + self.images)


def reading(account: AccountId) -> list[Check]:
    """Return the checks that only read."""
    return [
        Check(name="usage headers", begin=reads.usage_headers, reads=1),
        Check(name="default fields", begin=partial(reads.default_fields, account), reads=1),
        Check(name="fields", begin=reads.all_fields, reads=2),
        Check(name="unknown hash in a list", begin=reads.unknown_hash, reads=1),
        Check(name="page of 1000 images", begin=reads.large_page, reads=1),
        Check(name="errors", begin=reads.errors, reads=2),
    ]


def writing(files: Set) -> list[Check]:
    """Return the checks that upload, copy and delete; the order matters for those of one set."""

    def check(begin: Callable[[Set], Steps], name: str, **most: int) -> Check:
        return Check(name=name, begin=partial(begin, files), **most)

    return [
        check(uploads.shared_post, "several images in a POST", reads=2, writes=3, images=SHARED),
        check(uploads.renamed, "the same bytes under another name", reads=1, writes=1),
        check(changes.copy, "key of a copy", writes=1),
        Check(name="unknown images", begin=changes.unknown_images, writes=2),
        check(uploads.bad_file, "one bad file in a POST", writes=1, images=2),
        check(uploads.same_name, "two files of one name in a POST", reads=1, writes=1, images=2),
        check(uploads.named_bytes, "name of an image sent as bytes", reads=1, writes=1, images=1),
        check(uploads.extension, "extension of a file name", writes=1, images=1),
        check(uploads.long_name, "name of over 100 characters", writes=1, images=1),
        check(uploads.transcoding, "files that differ in metadata", writes=1, images=1),
        check(uploads.archive, "images in a zip", writes=1, images=2),
        check(changes.deletion, "deleted images", reads=4, writes=2),
    ]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The checks to make, the points that they may cost, and the set of pictures that they use."""

    checks: tuple[Check, ...]
    budget: int
    files: Set | None
    patience: float
    """Seconds to wait for deletions to take effect."""

    @property
    def calls(self) -> int:
        """The most calls that the checks and the cleanup make."""
        images = sum(check.images for check in self.checks)
        cleanup = 0 if self.files is None else MAX_READS_OF_CLEANUP + images
        return cleanup + sum(check.reads + check.writes for check in self.checks)

    @property
    def points(self) -> int:
        """The most points that they could cost without a budget."""
        cleanup = 0 if self.files is None else MAX_READS_OF_CLEANUP
        return cleanup + sum(check.points for check in self.checks)

    @property
    def cost(self) -> int:
        """The most points that they cost."""
        return min(self.budget, self.points)


def plan(account: AccountId, prefix: str | None, budget: int, patience: float) -> Plan:
    """Return the plan for an account; without a `prefix` of names, nothing is written."""
    files = None if prefix is None else Set(prefix)
    checks = (*reading(account), *(() if files is None else writing(files)))
    return Plan(checks=checks, budget=budget, files=files, patience=patience)


def talk(made: Plan, findings: list[Finding]) -> Generator[Request, Reply, None]:
    """Make the checks of a plan, as far as the budget allows, and add what they find."""
    spent = 0 if made.files is None else MAX_READS_OF_CLEANUP
    for check in made.checks:
        if made.files is not None and made.files.way is Way.NOT and check.writes:
            findings.append(unsettled(check.name, "the account accepts no image"))
        elif spent + check.points > made.budget:
            findings.append(unsettled(check.name, f"the budget of {made.budget} points is spent"))
        else:
            found, cost = yield from _counted(check)
            findings += found
            spent += cost + WRITE_POINTS * check.images  # and the deletions


def _counted(check: Check) -> Generator[Request, Reply, tuple[list[Finding], int]]:
    """Make a check, and return its findings and the points that it may have cost.

    A server that fails shows nothing of how it would respond.
    """
    steps, spent = check.begin(), 0
    reply: Reply | None = None
    while True:
        try:
            request = next(steps) if reply is None else steps.send(reply)
        except StopIteration as end:
            return end.value, spent
        reply = yield request
        spent += points(request)
        if reply.error is not None and judge(reply.error) is Verdict.RETRY:
            why = f"not tested: the server failed ({reply.error})"
            return [unsettled(check.name, why)], spent


class Left(msgspec.Struct, frozen=True):
    """An image of this run that could not be deleted, and why."""

    hash: ImageHash
    why: str


def cleanup(
    created: Iterable[ImageHash], prefix: str, patience: float
) -> Generator[Request, Reply, list[Left]]:
    """Delete the images of a run, also those that no response has named; return those left."""
    hashes, errors = set(created), dict[ImageHash, str]()
    yield from _delete(hashes, errors)
    query = {"name": prefix, "fields": "hash,name,status", "limit": str(_PAGE)}
    named = yield from _pages(query)
    unnamed = {one for one in _present(named) - hashes if _is_named(named, one, prefix)}
    yield from _delete(unnamed, errors)
    hashes |= unnamed
    if not hashes:
        return []
    query = {"hashes": json.dumps(sorted(hashes)), "limit": str(len(hashes))}
    waits, waited = iter(_WAITS), 0.0
    while True:
        pages = yield from _pages({**query, "fields": "hash,status"})
        if (error := pages[-1].error) is not None:
            return [Left(one, errors.get(one, str(error))) for one in sorted(hashes)]
        left, wait = _present(pages) & hashes, next(waits, patience + 1)
        if not left or waited + wait > patience:
            why = "it is still listed after its deletion"
            return [Left(one, errors.get(one, why)) for one in sorted(left)]
        waited += wait
        yield Wait(wait)


def _delete(
    hashes: Iterable[ImageHash], errors: dict[ImageHash, str]
) -> Generator[Request, Reply, None]:
    for one in sorted(hashes):
        reply = yield Delete(one)
        if reply.error is not None:
            errors[one] = str(reply.error)


def _pages(query: Mapping[str, str]) -> Generator[Request, Reply, list[Reply]]:
    """Return the first pages of a list, or an error as the last one."""
    pages, after = list[Reply](), None
    while len(pages) < _MOST_PAGES:
        reply = yield Read({**query, **({} if after is None else {"after": after})})
        pages.append(reply)
        after = reply.after
        if after is None:
            break
    return pages


def _present(pages: Iterable[Reply]) -> set[ImageHash]:
    """Return the hashes of the images that a list shows as not deleted."""
    return {
        ImageHash(str(node["hash"]))
        for page in pages
        for node in page.nodes
        if node.get("hash") and node.get("status") != "DELETED"
    }


def _is_named(pages: Iterable[Reply], image: ImageHash, prefix: str) -> bool:
    return any(
        node.get("hash") == image and str(node.get("name")).startswith(prefix)
        for page in pages
        for node in page.nodes
    )
