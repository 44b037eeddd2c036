"""POST /act_{ID}/adimages with files or `bytes`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.representation import uploaded
from syncd.sandbox.edges.upload_files import Incoming, checked_name, incoming
from syncd.sandbox.errors import CATALOGUE, GraphError, Refusal, refused
from syncd.sandbox.pictures import examine
from syncd.sandbox.state import World
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Image, Json, Picture, Status


@dataclass(frozen=True, slots=True)
class _Good:
    key: str
    name: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class _Bad:
    key: str
    refusal: Refusal


def upload(call: Call, account: AccountId, _: Token, world: World) -> Json:
    """Take the images of a POST and answer with one entry for each file name."""
    brought = incoming(call, world.switches)
    tally = world.counts.of(account)
    tally.files_per_post[len(brought)] += 1
    _check_number(call, brought, world)
    results = [_judge(image, account, world) for image in brought]
    bad = [result for result in results if isinstance(result, _Bad)]
    if bad and (world.switches.one_bad_file == "fails_all" or len(bad) == len(results)):
        raise GraphError(bad[0].refusal)
    known = [
        r
        for r in results
        if isinstance(r, _Good) and world.library.knows(account, r.picture.sha256)
    ]
    tally.repeated_uploads += len(known)
    tally.images += len(results) - len(bad)
    images: dict[str, Json] = {}
    for result in results:
        match result:
            case _Good():
                image = _hold(result, account, world)
                key = image.hash if world.switches.upload_key == "hash" else result.key
                if key not in images or world.switches.same_name == "last_wins":
                    images[key] = uploaded(image, image.name, call, world)
            case _Bad() if world.switches.one_bad_file == "skips_with_error_entry":
                images[result.key] = result.refusal.body()
            case _Bad():
                pass
    return {"images": images}


def hold_file(image: Incoming, account: AccountId, world: World) -> Image:
    """Hold one image that came along with something else; raises what is wrong with it."""
    result = _judge(image, account, world)
    if isinstance(result, _Bad):
        raise GraphError(result.refusal)
    return _hold(result, account, world)


def _check_number(call: Call, brought: list[Incoming], world: World) -> None:
    switches = world.switches
    if call.files and switches.files == "refuse":
        raise refused("100/1487411")
    if len(brought) > _most(switches):
        raise refused(switches.many_files_error)
    names = Counter(image.key for image in brought)
    if switches.same_name == "refused" and any(n > 1 for n in names.values()):
        raise refused("100", "(#100) Two files have the same name")


def _most(switches: Switches) -> float:
    match switches.many_files:
        case "accept":
            return float("inf")
        case "refuse":
            return 1
        case number:
            return number


def _judge(image: Incoming, account: AccountId, world: World) -> _Good | _Bad:
    try:
        name = checked_name(image, world.switches)
        picture = examine(image.content, world.switches)
        _check_refused(picture, account, world)
    except GraphError as error:
        return _Bad(image.key, error.refusal)
    fault = world.faults.strike_image(account, image.name, picture.sha256)
    if fault is not None:
        return _Bad(image.key, CATALOGUE[fault.name])
    return _Good(image.key, name, picture)


def _check_refused(picture: Picture, account: AccountId, world: World) -> None:
    if world.switches.upload_of_deleted != "refused":
        return
    held = world.library.find(account, picture.hash)
    if held is not None and held.status is Status.DELETED:
        raise refused("100/2490361")


def _hold(good: _Good, account: AccountId, world: World) -> Image:
    held = world.library.find(account, good.picture.hash)
    image = _held_again(held, good, world) if held else _held_anew(good, account, world)
    world.library.learn(image, good.picture.sha256)
    return image


def _held_anew(good: _Good, account: AccountId, world: World) -> Image:
    return world.library.put(account, good.picture, good.name)


def _held_again(held: Image, good: _Good, world: World) -> Image:
    name = good.name if world.switches.same_bytes_name == "last" else held.name
    if held.gone_at is None or world.switches.upload_of_deleted == "stays_deleted":
        return world.library.touch(held, name)
    return world.library.put(held.account, good.picture, name)
