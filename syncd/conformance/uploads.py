"""The checks that upload: several images in a POST, bad files, names, repetitions, archives."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum, auto

from syncd.conformance.messages import (
    File,
    Finding,
    Reply,
    Request,
    Steps,
    Upload,
    UploadBytes,
    compared,
    settled,
    unsettled,
)
from syncd.conformance.pictures import png, zipped
from syncd.conformance.reads import images
from syncd.model import ImageHash
from syncd.rules.pacing.budget import WRITE_POINTS, Budget
from syncd.rules.pacing.usage import BudgetUsage

SHARED = 8
"""Images of the shared POST: with fewer, a header in whole percent cannot show their cost."""

_FIRST_WIDTH = 16  # pixels; each picture has a width of its own, by which a list shows which it is
_LONGEST_NAME = 100


class Way(Enum):
    """How the account accepts images."""

    SEVERAL = auto()
    ALONE = auto()
    AS_BYTES = auto()
    NOT = auto()


@dataclass(slots=True)
class Set:
    """The generated pictures of one run, and which of them the account holds."""

    prefix: str
    way: Way = Way.SEVERAL
    made: int = 0
    held: list[tuple[File, ImageHash]] = field(default_factory=list)

    def picture(self) -> File:
        """Return the next picture, with a name of its own."""
        self.made += 1
        width = _FIRST_WIDTH + self.made
        return File(f"{self.prefix}-{self.made}.png", png(width, self.prefix))

    def width(self, file: File) -> int:
        """Return the width of a picture in pixels."""
        return int.from_bytes(file.content[16:20], "big")


Sent = Generator[Request, Reply, Reply]


def upload(files: Set, file: File) -> Sent:
    """Upload one image in the way that the account accepts."""
    as_bytes = files.way is Way.AS_BYTES
    reply = yield UploadBytes(file) if as_bytes else Upload((file,), 1)
    return reply


def shared_post(files: Set) -> Steps:
    """Check a POST of several images: whether it is accepted, its keys, its entries, its cost."""
    sent = [files.picture() for _ in range(SHARED)]
    before = yield images(limit="1")
    reply = yield Upload(tuple(sent), SHARED)
    if reply.error is not None or not reply.entries:
        return (yield from _single(files, sent[0], str(reply.error or "no entries")))
    text = f"{len(reply.entries)} of {SHARED} images have an entry"
    findings = [
        settled("several images in a POST", text, "many_files=accept", "files=accept"),
        *_entries(sent, reply),
    ]
    names = {file.name: file for file in sent}
    by_name = [(names[key], one) for key, one in reply.entries.items() if key in names]
    files.held = [(file, ImageHash(str(one["hash"]))) for file, one in by_name]
    if not files.held:
        files.held = list(zip(sent, reply.hashes, strict=False))
    after = yield images(limit="1")
    return [*findings, _charge(before.usage, after.usage)]


def _single(files: Set, file: File, why: str) -> Steps:
    """Check which way is left for an account that rejects a POST of several images."""
    alone = yield Upload((file,), 1)
    name = "several images in a POST"
    if alone.hashes:
        files.way, files.held = Way.ALONE, [(file, alone.hashes[0])]
        rejected = settled(name, f"rejected: {why}", "many_files=refuse", "files=accept")
        return [rejected, *_entries([file], alone)]
    as_bytes = yield UploadBytes(file)
    if as_bytes.hashes:
        files.way, files.held = Way.AS_BYTES, [(file, as_bytes.hashes[0])]
        return [settled(name, f"files are rejected: {why}", "files=refuse")]
    files.way = Way.NOT
    return [unsettled(name, f"no image is accepted: {why}")]


def _entries(sent: list[File], reply: Reply) -> list[Finding]:
    keys, names = set(reply.entries), {file.name for file in sent}
    hashes = {str(one["hash"]) for one in reply.entries.values()}
    kind = "hash" if keys == hashes else "name" if keys <= names else None
    fields = {name for one in reply.entries.values() for name in one}
    few = fields <= {"hash", "url"}
    found = "only hash and url" if few else ", ".join(sorted(fields))
    switch = f"answer_keys={'hash_and_url' if few else 'all'}"
    findings = [settled("fields of an upload", found, switch)]
    if kind is None:
        return [unsettled("key of an upload", f"keys are {', '.join(sorted(keys))}"), *findings]
    return [settled("key of an upload", f"the {kind}", f"upload_key={kind}"), *findings]


def _charge(before: BudgetUsage, after: BudgetUsage) -> Finding:
    """Return whether a shared POST and the read after it cost as many calls as it has images."""
    name = "cost of a shared POST"
    if after.tier is None:
        return unsettled(name, "the headers have no tier")
    budget = Budget.for_tier(after.tier)
    figures = (
        (before.points, after.points, WRITE_POINTS / budget.points, 0.02),
        (before.calls, after.calls, 1 / budget.calls, 1.0),
    )
    for earlier, later, share, rounding in figures:
        one, every = 100 * share, 100 * share * SHARED
        if earlier is None or later is None or every - one <= 2 * rounding:
            continue
        by_image = later - earlier > (one + every) / 2
        charge = "per_image" if by_image else "per_request"
        text = f"{later - earlier:.2f} % of the budget for {SHARED} images"
        return settled(name, text, f"charge={charge}")
    return unsettled(name, "the usage headers are too coarse to show it")


def bad_file(files: Set) -> Steps:
    """Check the effect of one bad file on the others of its POST."""
    name = "one bad file in a POST"
    if files.way is not Way.SEVERAL:
        return [unsettled(name, "the account accepts no POST of several images")]
    good, bad = files.picture(), File(f"{files.prefix}-bad.png", b"this is not an image")
    reply = yield Upload((good, bad), 2)
    if reply.error is not None:
        text = f"the POST fails with {reply.error.number}"
        return [settled(name, text, "one_bad_file=fails_all")]
    listed = reply.body.get("images")
    entries = len(listed) if isinstance(listed, dict) else 0
    if entries > len(reply.entries):
        text = "the bad file has an entry with its error"
        return [settled(name, text, "one_bad_file=skips_with_error_entry")]
    return [settled(name, "the bad file has no entry", "one_bad_file=skips_it")]


def same_name(files: Set) -> Steps:
    """Check which of two parts with one file name is in the response."""
    name = "two files of one name in a POST"
    if files.way is not Way.SEVERAL:
        return [unsettled(name, "the account accepts no POST of several images")]
    first, second = files.picture(), files.picture()
    reply = yield Upload((first, File(first.name, second.content)), 2)
    if reply.error is not None:
        return [settled(name, f"rejected with {reply.error.number}", "same_name=refused")]
    if len(reply.entries) != 1:
        return [unsettled(name, f"the response has {len(reply.entries)} entries")]
    listed = yield images(hashes=json.dumps(reply.hashes), fields="original_width")
    width = listed.nodes[0].get("original_width") if listed.nodes else None
    wins = {files.width(first): "first", files.width(second): "last"}.get(_number(width))
    if wins is None:
        return [unsettled(name, "the response does not show which file it describes")]
    return [settled(name, f"the {wins} one is in the response", f"same_name={wins}_wins")]


def renamed(files: Set) -> Steps:
    """Check the hash and the name of an image that is uploaded again under another name."""
    name = "the same bytes under another name"
    if not files.held or files.way is Way.AS_BYTES:
        return [unsettled(name, "the account holds no image that was sent as a file")]
    file, known = files.held[0]
    other = f"{files.prefix}-renamed.png"
    reply = yield Upload((File(other, file.content),), 1)
    same = reply.hashes == [known]
    text = f"hash {'of the first upload' if same else 'differs'}"
    findings = [compared("hash of the same bytes", str(reply.error or text), ok=same)]
    listed = yield images(hashes=json.dumps(reply.hashes or [known]), fields="name")
    shown = listed.nodes[0].get("name") if listed.nodes else None
    kept = {file.name: "first", other: "last"}.get(str(shown))
    if kept is None:
        return [*findings, unsettled(name, f"the name is {shown!r}")]
    return [*findings, settled(name, f"the {kept} name", f"same_bytes_name={kept}")]


def named_bytes(files: Set) -> Steps:
    """Check the name of an image that was sent as `bytes` with the field `name`."""
    file = files.picture()
    reply = yield UploadBytes(file)
    name = "name of an image sent as bytes"
    if not reply.hashes:
        return [unsettled(name, f"`bytes` is rejected: {reply.error}")]
    listed = yield images(hashes=json.dumps(reply.hashes), fields="name")
    shown = listed.nodes[0].get("name") if listed.nodes else None
    use = {file.name: "used", "bytes": "ignored"}.get(str(shown))
    if use is None:
        return [unsettled(name, f"the name is {shown!r}")]
    return [settled(name, f"the field `name` is {use}", f"bytes_name={use}")]


def extension(files: Set) -> Steps:
    """Check whether a file name needs the extension of an image."""
    name, file = "extension of a file name", files.picture()
    if files.way in (Way.AS_BYTES, Way.NOT):
        return [unsettled(name, "the account accepts no files")]
    reply = yield Upload((File(f"{file.name}.tmp", file.content),), 1)
    if reply.hashes:
        return [settled(name, "any extension is accepted", "extension=any")]
    return [settled(name, f".tmp is rejected: {reply.error}", "extension=image")]


def long_name(files: Set) -> Steps:
    """Check a name that is longer than the documented maximum."""
    name, file = "name of over 100 characters", files.picture()
    if files.way in (Way.AS_BYTES, Way.NOT):
        return [unsettled(name, "the account accepts no files")]
    text = file.name.removesuffix(".png").ljust(_LONGEST_NAME, "x") + ".png"
    reply = yield Upload((File(text, file.content),), 1)
    if reply.hashes:
        return [settled(name, "it is accepted, and shortened", "long_name=cut")]
    return [settled(name, f"rejected: {reply.error}", "long_name=refuse")]


def transcoding(files: Set) -> Steps:
    """Check whether files that differ in their metadata alone share a hash."""
    name = "files that differ in metadata"
    if not files.held:
        return [unsettled(name, "the account holds no image of this run")]
    file, known = files.held[0]
    width = files.width(file)
    other = File(file.name, png(width, files.prefix, "another comment"))
    reply = yield from upload(files, other)
    if not reply.hashes:
        return [unsettled(name, f"the upload fails: {reply.error}")]
    shared = reply.hashes == [known]
    setting = "same_picture" if shared else "exact"
    text = "share a hash" if shared else "have different hashes"
    return [settled(name, f"they {text}", f"transcoding={setting}")]


def archive(files: Set) -> Steps:
    """Check that a zip of images has an entry for each."""
    name, packed = "images in a zip", [files.picture(), files.picture()]
    if files.way in (Way.AS_BYTES, Way.NOT):
        return [unsettled(name, "the account accepts no files")]
    content = zipped({file.name: file.content for file in packed})
    reply = yield Upload((File(f"{files.prefix}.zip", content),), len(packed))
    if reply.error is not None:
        return [unsettled(name, f"rejected: {reply.error}")]
    text = f"{len(reply.entries)} of {len(packed)} images have an entry"
    return [compared(name, text, ok=len(reply.entries) == len(packed))]


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1
