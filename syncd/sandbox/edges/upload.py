"""POST /act_{ID}/adimages with files or `bytes`: an upload."""

from __future__ import annotations

import base64
import binascii
import io
import os.path
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.representation import uploaded
from syncd.sandbox.errors import CATALOGUE, ApiError, CallError, call_error
from syncd.sandbox.multipart import base_name
from syncd.sandbox.pictures import EXTENSIONS, ZIP_MARK, examine
from syncd.sandbox.state import State
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Image, Json, Picture, Status

BYTES_NAME = "bytes"
"""The key, and by default the name, of an image that was sent as `bytes`: observed."""

_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class UploadFile:
    """One uploaded image; `key` is the key of its entry in the response."""

    key: str
    name: str
    content: bytes


def read_files(call: Call, switches: Switches) -> list[UploadFile]:
    """Return the images of an upload; raise error 100 when it has none."""
    images: list[UploadFile] = []
    for part in call.files:
        name = base_name(part.filename or "")
        if part.content.startswith(ZIP_MARK):
            images.extend(_zipped(part.content, switches))
        else:
            images.append(UploadFile(name, name, part.content))
    text = call.params.text("bytes")
    if text is not None:
        given = call.params.text("name") if switches.bytes_name == "used" else None
        images.append(UploadFile(BYTES_NAME, given or BYTES_NAME, _decoded(text)))
    if not images:
        raise call_error("100", "(#100) The parameter bytes or copy_from, or a file, is required")
    return images


def checked_name(image: UploadFile, switches: Switches) -> str:
    """Return the name of an image in its account; raise the error of an invalid name."""
    if image.key == BYTES_NAME:
        return image.name
    extension = os.path.splitext(image.name)[1].lower()
    # "sample.jpg, and not just sample or sample.tmp" [doc]
    is_valid = len(extension) > 1 if switches.extension == "any" else extension in EXTENSIONS
    if not is_valid:
        raise call_error("100/1487411")
    if len(image.name) <= _NAME_LENGTH:
        return image.name
    if switches.long_name == "refuse":
        raise call_error("100", f"(#100) The name must be at most {_NAME_LENGTH} characters long")
    return image.name[:_NAME_LENGTH]


def _zipped(content: bytes, switches: Switches) -> Iterator[UploadFile]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir() and not _hidden(e.filename)]
            too_large = any(e.file_size > switches.max_image_bytes for e in entries)
            if not entries or len(entries) > switches.max_zip_images or too_large:
                raise call_error("100/2490361")
            for entry in entries:
                yield UploadFile(entry.filename, base_name(entry.filename), archive.read(entry))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, binascii.Error):
        raise call_error("100/2490361") from None


def _hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or base_name(name).startswith(".")


def _decoded(text: str) -> bytes:
    # An unescaped + of an urlencoded body arrives as a space; base64(1) adds line breaks.
    packed = text.replace(" ", "+").replace("\n", "").replace("\r", "")
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise call_error("100/1487242") from None


@dataclass(frozen=True, slots=True)
class _Accepted:
    key: str
    name: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class _Rejected:
    key: str
    api_error: ApiError


def upload(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Store the images of a POST, and return an entry for each file name."""
    files = read_files(call, state.switches)
    tally = state.counts.of(account)
    tally.files_per_post[len(files)] += 1
    _check_number(call, files, state)
    results = [_judge(image, account, state) for image in files]
    rejected = [result for result in results if isinstance(result, _Rejected)]
    if rejected and (state.switches.one_bad_file == "fails_all" or len(rejected) == len(results)):
        raise CallError(rejected[0].api_error)
    repeated = [
        r
        for r in results
        if isinstance(r, _Accepted) and state.library.has_content(account, r.picture.sha256)
    ]
    tally.repeated_uploads += len(repeated)
    tally.images += len(results) - len(rejected)
    images: dict[str, Json] = {}
    for result in results:
        match result:
            case _Accepted():
                image = _hold(result, account, state)
                key = image.hash if state.switches.upload_key == "hash" else result.key
                if key not in images or state.switches.same_name == "last_wins":
                    images[key] = uploaded(image, image.name, call, state)
            case _Rejected() if state.switches.one_bad_file == "skips_with_error_entry":
                images[result.key] = result.api_error.body()
            case _Rejected():
                pass
    return {"images": images}


def hold_file(image: UploadFile, account: AccountId, state: State) -> Image:
    """Store one image that was sent with another call; raise its error."""
    result = _judge(image, account, state)
    if isinstance(result, _Rejected):
        raise CallError(result.api_error)
    return _hold(result, account, state)


def _check_number(call: Call, files: list[UploadFile], state: State) -> None:
    switches = state.switches
    if call.files and switches.files == "refuse":
        raise call_error("100/1487411")
    if len(files) > _max_files(switches):
        raise call_error(switches.many_files_error)
    names = Counter(image.key for image in files)
    if switches.same_name == "refused" and any(n > 1 for n in names.values()):
        raise call_error("100", "(#100) Two files have the same name")


def _max_files(switches: Switches) -> float:
    match switches.many_files:
        case "accept":
            return float("inf")
        case "refuse":
            return 1
        case number:
            return number


def _judge(image: UploadFile, account: AccountId, state: State) -> _Accepted | _Rejected:
    try:
        name = checked_name(image, state.switches)
        picture = examine(image.content, state.switches)
        _check_deleted(picture, account, state)
    except CallError as error:
        return _Rejected(image.key, error.api_error)
    fault = state.faults.strike_image(account, image.name, picture.sha256)
    if fault is not None:
        return _Rejected(image.key, CATALOGUE[fault.name])
    return _Accepted(image.key, name, picture)


def _check_deleted(picture: Picture, account: AccountId, state: State) -> None:
    if state.switches.upload_of_deleted != "refused":
        return
    held = state.library.find(account, picture.hash)
    if held is not None and held.status is Status.DELETED:
        raise call_error("100/2490361")


def _hold(accepted: _Accepted, account: AccountId, state: State) -> Image:
    held = state.library.find(account, accepted.picture.hash)
    image = _replaced(held, accepted, state) if held else _added(accepted, account, state)
    state.library.add_content(image, accepted.picture.sha256)
    return image


def _added(accepted: _Accepted, account: AccountId, state: State) -> Image:
    return state.library.add(account, accepted.picture, accepted.name)


def _replaced(held: Image, accepted: _Accepted, state: State) -> Image:
    name = accepted.name if state.switches.same_bytes_name == "last" else held.name
    if held.gone_at is None or state.switches.upload_of_deleted == "stays_deleted":
        return state.library.touch(held, name)
    return state.library.add(held.account, accepted.picture, name)
