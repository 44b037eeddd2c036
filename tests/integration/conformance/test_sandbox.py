"""The sandbox conforms under every setting of its switches, and each setting is recognised."""

import dataclasses
import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any, get_args, get_type_hints

import pytest

from syncd.config import Secret
from syncd.conformance.exchange import Report, call, failed, reply_of, run
from syncd.conformance.messages import Reply, Request, State, Wait, points
from syncd.conformance.pictures import png
from syncd.conformance.talk import plan
from syncd.graph.client import Credentials, GraphClient, GraphError, connect
from syncd.model import AccountId
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches, switched

ACCOUNT = AccountId("1")

OTHER_VALUES: dict[str, list[str]] = {
    "time_scale": ["10"], "cpu_per_image": ["1"], "app_calls": ["1000"],
    "usage_entry": ['{"type":"ads_insights","call_count":1}'],
    "many_files": ["accept", "refuse", "4"], "many_files_error": ["1", "100/2490361"],
    "max_bytes": ["4000"], "max_image_bytes": ["200"], "max_zip_images": ["1"],
    "copy_denied_error": ["10"], "copy_missing_error": ["200", "100/33"],
    "in_use_error": ["200"], "delete_unknown": ["100/33", "success"],
    "deletion_lag": ["1000"], "largest_page": ["1"], "page_too_large": ["500"],
    "token_lifetime": ["1000"], "token_scopes": ["ads_management"], "oldest_version": ["v20.0"],
}  # fmt: skip
"""Values of the switches that take any number or text."""

NOT_SHOWN = {
    "tier", "decay", "time_scale", "score_error", "cpu_per_image", "app_calls", "regain",
    "usage_entry", "app_usage", "many_files_error", "max_bytes", "max_image_bytes",
    "max_zip_images", "copy_source", "copy_denied_error", "in_use_error", "largest_page",
    "page_too_large", "list_end", "token_lifetime", "token_scopes", "inspection",
    "oldest_version",
}  # fmt: skip
"""Switches whose setting no check can or should find out: it would take an exhausted budget, other
accounts, ads, or large files."""


SHOWN_AS = {"1000": "20", "4": "refuse"}
"""The settings of numbers that a check takes for another one."""


def settings() -> Iterator[tuple[str, str]]:
    hints = get_type_hints(Switches)
    for field in dataclasses.fields(Switches):
        literals = [str(value) for value in get_args(hints[field.name]) if isinstance(value, str)]
        for value in OTHER_VALUES.get(field.name, literals):
            yield field.name, value


class Direct:
    """Sends requests without a pacer, and sums up what they may cost."""

    def __init__(self, client: GraphClient, token: str) -> None:
        self._call = partial(call, client, ACCOUNT, Credentials(Secret(token)))
        self.sent = self.points = 0

    async def __call__(self, request: Request) -> Reply:
        if isinstance(request, Wait):
            return Reply()
        self.sent += 1
        self.points += points(request)
        try:
            return reply_of(await self._call(request))
        except GraphError as error:
            return failed(error)


async def conformance(sandbox: Sandbox, budget: int = 1000) -> tuple[Report, Direct]:
    made, report = plan(ACCOUNT, "syncd-conformance-test", budget, patience=0.0), Report()
    async with connect(sandbox.url, "v25.0", 5.0) as client:
        direct = Direct(client, sandbox.token)
        await run(made, direct, report)
    assert direct.sent <= made.calls
    assert direct.points <= min(budget, made.points)
    return report, direct


def ticking() -> Any:
    """Return a clock that advances by a second with each reading."""
    return partial(next, map(float, itertools.count(1_800_000_000)))


@pytest.mark.parametrize(("name", "value"), list(settings()))
async def test_the_sandbox_conforms_and_its_setting_is_recognised(name: str, value: str) -> None:
    tier = [] if name in ("tier", "charge") else ["tier=unlimited"]
    sent = ["ad_account_usage=sent"] if name == "charge" else ["time_scale=1000"]
    switches = switched(Switches(), [*tier, *sent, f"{name}={value}"])
    async with Sandbox(switches, clock=ticking()) as sandbox:
        foreign = [sandbox.hold("1", f"{n}.png", png(3, str(n))) for n in range(3)]
        report, _ = await conformance(sandbox)
        differing = [one for one in report.findings if one.state is State.DIFFERS]
        assert not differing
        if name not in NOT_SHOWN:
            shown = {switch for one in report.findings for switch in one.switches}
            assert f"{name}={SHOWN_AS.get(value, value)}" in shown
        images = sandbox.library.images("1")
        if name == "deletion_lag":
            assert {image.hash for image in images} == {
                *(one.hash for one in report.left),
                *(one.hash for one in foreign),
            }
        else:
            assert report.left == []
            assert sorted(i.hash for i in images) == sorted(i.hash for i in foreign)
