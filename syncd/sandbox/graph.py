"""A call's way through the sandbox: token, budget, fault, work, headers, counts."""

from __future__ import annotations

import random
import secrets
from dataclasses import replace

from syncd.sandbox.budgets import Budgets, cost
from syncd.sandbox.calls import Call
from syncd.sandbox.counts import Record
from syncd.sandbox.edges.routes import work
from syncd.sandbox.errors import CATALOGUE, GraphError, Refusal, refused
from syncd.sandbox.faults import Fault, Trouble
from syncd.sandbox.outcomes import Delivery, Outcome, answered, gateway_page, refusing
from syncd.sandbox.state import World
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import Token
from syncd.sandbox.usage import account_headers, app_headers
from syncd.sandbox.values import Kind

SLOW_SECONDS = 5.0
_FIRST_VERSION = "v25.0"


class Graph:
    """Answers calls. It knows no HTTP and waits for nothing: an Outcome says how to deliver."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.budgets = Budgets(world.switches)
        self._revision = random.randrange(10**9, 2 * 10**9)  # noqa: S311 - a header's decoration

    def turn(self, switches: Switches) -> None:
        """Behave otherwise from now on; other budgets begin anew."""
        old, self.world.switches = self.world.switches, switches
        if (old.tier, old.time_scale, old.decay) != (
            switches.tier,
            switches.time_scale,
            switches.decay,
        ):
            self.budgets = Budgets(switches)

    def answer(self, call: Call) -> Outcome:
        """Answer one call, and count it."""
        return self.told(call, self._outcome(call))

    def told(self, call: Call, outcome: Outcome) -> Outcome:
        """Count a call whose outcome is settled, and add the headers to it."""
        outcome = replace(outcome, headers={**self._headers(call), **outcome.headers})
        self.world.counts.record(
            Record(
                at=self.world.clock(),
                account=call.account,
                kind=call.kind,
                status=outcome.status,
                code=outcome.code,
                images=len(call.files),
                bytes=call.size,
            )
        )
        return outcome

    def _outcome(self, call: Call) -> Outcome:
        try:
            token = self._admitted(call)
            self._charge(call)
        except GraphError as error:
            return refusing(error.refusal)
        fault = self.world.faults.strike(call.account, call.kind)
        if fault is None:
            return self._worked(call, token)
        done = self._worked(call, token) if fault.works else None
        return self._faulty(fault, done, call)

    def _worked(self, call: Call, token: Token) -> Outcome:
        try:
            return answered(work(call, token, self.world))
        except GraphError as error:
            return refusing(error.refusal)

    def _admitted(self, call: Call) -> Token:
        if call.problem is not None:
            raise GraphError(call.problem)
        token = self.world.tokens.check(call.token, call.params.text("appsecret_proof"))
        self._check_version(call)
        if call.account is not None:
            self.world.enter(call.account, token, call.method.lower())
        return token

    def _check_version(self, call: Call) -> None:
        oldest = self.world.switches.oldest_version
        if oldest and call.version and _number(call.version) < _number(oldest):
            raise refused("2635")

    def _charge(self, call: Call) -> None:
        now, world = self.world.clock(), self.world
        self.budgets.app.spend(now, 1)
        limit = world.switches.app_calls
        if limit and self.budgets.app.spent(now) > limit:
            raise refused("4")
        if call.account is None:
            return
        budget = self.budgets.of(call.account)
        block = budget.blocked(now)
        if block is not None:
            budget.called_into(block)
            world.counts.of(call.account).while_blocked += 1
            raise refused(block.error)
        images = len(call.files) if call.kind is Kind.UPLOAD else 0
        price = cost(call.kind, call.method, images, world.switches)
        ads = world.library.ads(call.account)
        error = budget.charge(now, price, ads, world.switches.score_error)
        if error is not None:
            raise refused(error)

    def _faulty(self, fault: Fault, done: Outcome | None, call: Call) -> Outcome:
        outcome = self._troubled(fault, done or answered({}), call)
        status = outcome.status if fault.status is None else fault.status
        return replace(outcome, status=status, code=outcome.code or fault.name)

    def _troubled(self, fault: Fault, done: Outcome, call: Call) -> Outcome:
        match fault.trouble:
            case None:
                return self._refused_by(fault, call)
            case Trouble.RESET_BEFORE | Trouble.RESET_AFTER:
                return Outcome(0, b"", delivery=Delivery.RESET)
            case Trouble.HANG:
                return Outcome(0, b"", delivery=Delivery.NEVER)
            case Trouble.SLOW:
                seconds = SLOW_SECONDS if fault.seconds is None else fault.seconds
                return replace(done, wait=seconds)
            case Trouble.CUT_OFF:
                return replace(done, delivery=Delivery.CUT_OFF)
            case Trouble.HALF_JSON:
                return replace(done, body=done.body[: len(done.body) // 2])
            case Trouble.HTML_502:
                return gateway_page(502, "Bad Gateway")
            case Trouble.HTML_503:
                return gateway_page(503, "Service Unavailable")
            case Trouble.TOO_LARGE:
                return gateway_page(413, "Request Entity Too Large")

    def _refused_by(self, fault: Fault, call: Call) -> Outcome:
        refusal: Refusal = CATALOGUE[fault.name]
        if call.account is not None and fault.seconds is not None:
            budget = self.budgets.of(call.account)
            budget.block(self.world.clock(), fault.name, fault.seconds)
        return refusing(refusal)

    def _headers(self, call: Call) -> dict[str, str]:
        now, world = self.world.clock(), self.world
        headers = {
            "facebook-api-version": call.version or _FIRST_VERSION,
            "x-fb-request-id": secrets.token_urlsafe(12),
            "x-fb-trace-id": secrets.token_urlsafe(8),
            "x-fb-rev": str(self._revision),
        }
        share = 0.0
        if world.switches.app_calls:
            share = self.budgets.app.spent(now) / world.switches.app_calls
        headers |= app_headers(share, world.switches)
        if call.account is not None:
            usage = self.budgets.of(call.account).usage(now, world.library.ads(call.account))
            headers |= account_headers(call.account, usage, world.switches)
        return headers


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(figure) for figure in version.removeprefix("v").split("."))
