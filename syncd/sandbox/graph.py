"""The way of a call through the sandbox: token, budget, fault, work, headers, counts."""

from __future__ import annotations

import random
import secrets
from dataclasses import replace
from email.utils import formatdate

from syncd.sandbox.budgets import Budgets, cost
from syncd.sandbox.calls import Call
from syncd.sandbox.counts import Record
from syncd.sandbox.edges.routes import work
from syncd.sandbox.errors import CATALOGUE, CallError, call_error
from syncd.sandbox.faults import Fault, Trouble
from syncd.sandbox.outcomes import Delivery, Outcome, error_outcome, gateway_page, success_outcome
from syncd.sandbox.state import State
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import Token
from syncd.sandbox.usage import account_headers, app_headers
from syncd.sandbox.values import Kind

SLOW_SECONDS = 5.0
_FIRST_VERSION = "v25.0"


class Graph:
    """The API without HTTP: it turns calls into outcomes, and never waits."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.budgets = Budgets(state.switches)
        self._revision = random.randrange(10**9, 2 * 10**9)  # noqa: S311 - a header's decoration

    def set_switches(self, switches: Switches) -> None:
        """Change the behaviour; a change of the budgets empties them."""
        old, self.state.switches = self.state.switches, switches
        if (old.tier, old.time_scale, old.decay) != (
            switches.tier,
            switches.time_scale,
            switches.decay,
        ):
            self.budgets = Budgets(switches)

    def call(self, call: Call) -> Outcome:
        """Do the work of one call, and count it."""
        return self.finish(call, self._outcome(call))

    def finish(self, call: Call, outcome: Outcome) -> Outcome:
        """Count a call, and add the headers to its outcome."""
        outcome = replace(outcome, headers={**self._headers(call), **outcome.headers})
        self.state.counts.record(
            Record(
                at=self.state.clock(),
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
            token = self._admit(call)
            self._charge(call)
        except CallError as error:
            return error_outcome(error.api_error)
        fault = self.state.faults.strike(call.account, call.kind)
        if fault is None:
            return self._work(call, token)
        done = self._work(call, token) if fault.does_work else None
        return self._faulty(fault, done, call)

    def _work(self, call: Call, token: Token) -> Outcome:
        try:
            return success_outcome(work(call, token, self.state))
        except CallError as error:
            return error_outcome(error.api_error)

    def _admit(self, call: Call) -> Token:
        if call.problem is not None:
            raise CallError(call.problem)
        token = self.state.admit(call.token, call.params.text("appsecret_proof"))
        self._check_version(call)
        if call.account is not None:
            self.state.enter(call.account, token, call.method.lower())
        return token

    def _check_version(self, call: Call) -> None:
        oldest = self.state.switches.oldest_version
        if oldest and call.version and _number(call.version) < _number(oldest):
            raise call_error("2635")

    def _charge(self, call: Call) -> None:
        now, state = self.state.clock(), self.state
        self.budgets.app.spend(now, 1)
        limit = state.switches.app_calls
        if limit and self.budgets.app.spent(now) > limit:
            raise call_error("4")
        if call.account is None:
            return
        budget = self.budgets.of(call.account)
        block = budget.current_block(now)
        if block is not None:
            budget.extend(block)
            state.counts.of(call.account).while_blocked += 1
            raise call_error(block.error)
        images = len(call.files) if call.kind is Kind.UPLOAD else 0
        price = cost(call.kind, call.method, images, state.switches)
        ads = state.creatives.ads(call.account)
        error = budget.charge(now, price, ads, state.switches.score_error)
        if error is not None:
            raise call_error(error)

    def _faulty(self, fault: Fault, done: Outcome | None, call: Call) -> Outcome:
        outcome = self._troubled(fault, done or success_outcome({}), call)
        status = outcome.status if fault.status is None else fault.status
        return replace(outcome, status=status, code=outcome.code or fault.name)

    def _troubled(self, fault: Fault, done: Outcome, call: Call) -> Outcome:
        match fault.trouble:
            case None:
                return self._error_of(fault, call)
            case Trouble.RESET_BEFORE | Trouble.RESET_AFTER:
                return Outcome(0, b"", delivery=Delivery.RESET)
            case Trouble.HANG:
                return Outcome(0, b"", delivery=Delivery.NEVER)
            case Trouble.SLOW:
                seconds = SLOW_SECONDS if fault.seconds is None else fault.seconds
                return replace(done, wait=seconds)
            case Trouble.CUT_OFF:
                return replace(done, delivery=Delivery.TRUNCATED)
            case Trouble.HALF_JSON:
                return replace(done, body=done.body[: len(done.body) // 2])
            case Trouble.HTML_502:
                return gateway_page(502, "Bad Gateway")
            case Trouble.HTML_503:
                return gateway_page(503, "Service Unavailable")
            case Trouble.TOO_LARGE:
                return gateway_page(413, "Request Entity Too Large")
            case Trouble.REDIRECT:
                location = {"Location": "https://login.proxy.example/?token=secret"}
                return replace(gateway_page(302, "Found"), headers=location)
            case Trouble.UNAUTHORIZED:
                return gateway_page(401, "Unauthorized")

    def _error_of(self, fault: Fault, call: Call) -> Outcome:
        if call.account is not None and fault.seconds is not None:
            budget = self.budgets.of(call.account)
            budget.block(self.state.clock(), fault.name, fault.seconds)
        return error_outcome(CATALOGUE[fault.name])

    def _headers(self, call: Call) -> dict[str, str]:
        now, state = self.state.clock(), self.state
        headers = {
            "Date": formatdate(now, usegmt=True),
            "facebook-api-version": call.version or _FIRST_VERSION,
            "x-fb-request-id": secrets.token_urlsafe(12),
            "x-fb-trace-id": secrets.token_urlsafe(8),
            "x-fb-rev": str(self._revision),
        }
        share = 0.0
        if state.switches.app_calls:
            share = self.budgets.app.spent(now) / state.switches.app_calls
        headers |= app_headers(share, state.switches)
        if call.account is not None:
            usage = self.budgets.of(call.account).usage(now, state.creatives.ads(call.account))
            headers |= account_headers(call.account, usage, state.switches)
        return headers


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(figure) for figure in version.removeprefix("v").split("."))
