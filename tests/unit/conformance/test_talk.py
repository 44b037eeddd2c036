"""The talk with an API that fails: it shows nothing of how the API responds."""

from contextlib import suppress

import pytest

from syncd.conformance.messages import Finding, Reply, State
from syncd.conformance.talk import plan, talk
from syncd.model import AccountId
from syncd.rules.errors import ApiError

FAILURES = {
    "503": ApiError(status=503, code=None, subcode=None, transient=False, message="busy"),
    "no response": ApiError(status=None, code=None, subcode=None, transient=True, message="reset"),
    "2": ApiError(status=500, code=2, subcode=None, transient=True, message="try again"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_checks_of_a_server_that_fails_are_not_tested(failure: str) -> None:
    findings: list[Finding] = []
    made = plan(AccountId("1"), "prefix", 1000, 0.0)
    steps = talk(made, findings)
    next(steps)
    requests = 1
    with suppress(StopIteration):
        while True:
            steps.send(Reply(error=FAILURES[failure]))
            requests += 1
    assert [one.name for one in findings] == [check.name for check in made.checks]
    assert {one.state for one in findings} == {State.OPEN}
    texts = [one.text for one in findings]
    failed = [text for text in texts if text.startswith("not tested: the server failed (")]
    assert len(failed) == requests, "the rest of a check is left out"
    others = {text for text in texts if text not in failed}
    assert all(text.startswith("the account holds no image") for text in others)
