"""The checks of copies and deletions."""

from __future__ import annotations

import json
from typing import Any

from syncd.conformance.messages import Copy, Delete, Finding, Reply, Steps, settled, unsettled
from syncd.conformance.reads import UNKNOWN_HASH, images
from syncd.conformance.uploads import Set, upload
from syncd.graph import timestamps
from syncd.model import ImageHash

_UNKNOWN = ImageHash(UNKNOWN_HASH)


def copy(files: Set) -> Steps:
    """Check the key of a copy, which is of one of the account's own images."""
    name = "key of a copy"
    if not files.held:
        return [unsettled(name, "the account holds no image of this run")]
    file, known = files.held[0]
    reply = yield Copy(known)
    if len(reply.entries) != 1:
        return [unsettled(name, f"a copy within the account fails: {reply.error}")]
    ((key, entry),) = reply.entries.items()
    names = {known: "hash", "bytes": "bytes", "copy_from": "copy_from"}
    names |= dict.fromkeys(_texts(entry.get("name"), file.name), "name")
    kind = names.get(key)
    if kind is None:
        return [unsettled(name, f"the key is {key!r}")]
    return [settled(name, f"{kind}: {key}", f"copy_key={kind}")]


def _texts(*values: object) -> list[str]:
    return [value for value in values if isinstance(value, str) and value != "bytes"]


def unknown_images() -> Steps:
    """Check the errors for a copy and a deletion of an image that does not exist."""
    copied = yield Copy(_UNKNOWN)
    deleted = yield Delete(_UNKNOWN)
    return [
        _outcome("copy of an unknown image", copied, "copy_missing_error"),
        _outcome("deletion of an unknown image", deleted, "delete_unknown"),
    ]


def _outcome(name: str, reply: Reply, switch: str) -> Finding:
    if reply.error is None:
        return settled(name, "success", f"{switch}=success")
    if reply.error.code is None:
        return unsettled(name, str(reply.error))
    return settled(name, f"rejected with {reply.error}", f"{switch}={reply.error.number}")


def deletion(files: Set) -> Steps:
    """Check the lists after a deletion, and the effect of uploading the image again."""
    name = "deleted images"
    if not files.held:
        return [unsettled(name, "the account holds no image of this run")]
    file, known = files.held[-1]
    by_hash = {"hashes": json.dumps([known]), "fields": "status,created_time,updated_time"}
    before = yield images(**by_hash)
    reply = yield Delete(known)
    if reply.error is not None:
        return [unsettled(name, f"the deletion fails: {reply.error}")]
    listed = yield images(**by_hash)
    named = yield images(name=files.prefix, fields="hash,status", limit="100")
    findings = _after_deletion(known, listed, named)
    again = yield from upload(files, file)
    revived = yield images(**by_hash)
    if _of(listed, "status") == "ACTIVE":
        why = "the deletion has not taken effect yet"
        return [*findings, unsettled("upload of a deleted image", why)]
    return [*findings, _uploaded_again(before, again, revived)]


def _after_deletion(known: ImageHash, listed: Reply, named: Reply) -> list[Finding]:
    name, status = "deleted images", _of(listed, "status")
    if status == "ACTIVE":
        text = "a deleted image is still ACTIVE at once: its status has to be read again"
        return [settled("effect of a deletion", text, "deletion_lag=20")]
    findings = [settled("effect of a deletion", "it takes effect at once", "deletion_lag=0")]
    in_list = [one for one in named.nodes if one.get("hash") == known]
    if status is None:
        text = "they are not listed"
        return [*findings, settled(name, text, "deleted_images=missing")]
    where = "listed" if in_list else "by_hash"
    text = f"status {status} in {'all lists' if in_list else 'lists by hash alone'}"
    return [*findings, settled(name, text, f"deleted_images={where}")]


def _uploaded_again(before: Reply, again: Reply, revived: Reply) -> Finding:
    name = "upload of a deleted image"
    if again.error is not None:
        text = f"rejected with {again.error}"
        return settled(name, text, "upload_of_deleted=refused")
    status = _of(revived, "status")
    if status != "ACTIVE":
        text = f"it stays {status or 'deleted'}"
        return settled(name, text, "upload_of_deleted=stays_deleted")
    first = timestamps.of_field(_of(before, "created_time"))
    second = timestamps.of_field(_of(revived, "created_time"))
    changed = timestamps.of_field(_of(revived, "updated_time"))
    if first is None or second is None or changed is None or changed <= first:
        return unsettled(name, "it is ACTIVE again; its times do not show whether as a new image")
    if first == second:
        text = "it is ACTIVE again, with the created_time of before"
        return settled(name, text, "upload_of_deleted=revives_as_created")
    return settled(name, "it is ACTIVE again, as a new image", "upload_of_deleted=revives")


def _of(reply: Reply, name: str) -> Any:
    return reply.nodes[0].get(name) if reply.nodes else None
