"""Faults: their notation, and the calls and images that they strike."""

import pytest

from syncd.sandbox.errors import CATALOGUE, call_error
from syncd.sandbox.faults import (
    DESCRIPTIONS,
    Fault,
    FaultError,
    Faults,
    Trouble,
    names,
    parse_fault,
)
from syncd.sandbox.outcomes import error_outcome
from syncd.sandbox.report import described
from syncd.sandbox.values import AccountId, Kind

ONE, TWO = AccountId("1"), AccountId("2")


@pytest.mark.parametrize("name", names())
def test_every_fault_can_be_parsed_by_its_name(name: str) -> None:
    assert parse_fault(name) == Fault(name)


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_has_a_description(trouble: Trouble) -> None:
    assert DESCRIPTIONS[trouble]


def test_a_text_can_set_every_property() -> None:
    spec = (
        "1487197:rate=0.05:times=3:after=10:account=1:on=upload:image=*.gif:seconds=2.5"
        ":status=500:done=1"
    )
    fault = Fault(
        "1487197", rate=0.05, times=3, after=10, account="1", on="upload", image="*.gif",
        seconds=2.5, status=500, done=True,
    )  # fmt: skip
    assert parse_fault(spec) == fault
    assert parse_fault(described(fault)) == fault


@pytest.mark.parametrize(
    "spec",
    ["nope", "17:often=1", "17:rate", "17:rate=x", "17:rate=2", "17:on=never", "17:times=x",
     "17:done=maybe", "slow:image=*.gif"],
)  # fmt: skip
def test_an_invalid_text_is_rejected_with_a_hint(spec: str) -> None:
    with pytest.raises(FaultError):
        parse_fault(spec)


def test_times_and_after_count_only_matching_calls() -> None:
    faults = Faults()
    faults.add(Fault("80004", after=2, times=2, on="upload", account="act_1"))
    struck = [
        faults.strike(account, kind) is not None
        for account, kind in [
            (ONE, Kind.UPLOAD), (ONE, Kind.LIST), (TWO, Kind.UPLOAD), (ONE, Kind.UPLOAD),
            (ONE, Kind.UPLOAD), (ONE, Kind.UPLOAD), (ONE, Kind.UPLOAD),
        ]
    ]  # fmt: skip
    assert struck == [False, False, False, False, True, True, False]
    assert faults.active() == []
    assert faults.struck == {"80004": 2}


def test_a_rate_is_kept_and_repeated_by_the_seed() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault("2", rate=0.1))
        return [faults.strike(ONE, Kind.UPLOAD) is not None for _ in range(2000)]

    assert 120 < sum(struck(1)) < 280
    assert struck(1) == struck(1) != struck(2)


def test_the_first_fault_that_strikes_counts() -> None:
    faults = Faults()
    faults.add(Fault("17", times=1))
    faults.add(Fault("80004"))
    found = [faults.strike(ONE, Kind.LIST) for _ in range(2)]
    assert [fault.name for fault in found if fault] == ["17", "80004"]


def test_a_fault_for_images_strikes_by_name_or_digest_and_never_a_call() -> None:
    digest = "ab" * 32
    faults = Faults()
    faults.add(Fault("1487197", image="*.gif"))
    faults.add(Fault("1487411", image="abababab"))
    assert faults.strike(ONE, Kind.UPLOAD) is None
    by_name = faults.strike_image(ONE, "a.gif", "0" * 64)
    by_digest = faults.strike_image(ONE, "bytes", digest)
    assert by_name is not None
    assert by_name.name == "1487197"
    assert by_digest is not None
    assert by_digest.name == "1487411"
    assert faults.strike_image(ONE, "a.jpg", "0" * 64) is None


@pytest.mark.parametrize(
    ("name", "status", "code", "subcode", "transient"),
    [
        ("1", 500, 1, None, True), ("1/99", 500, 1, 99, None), ("2", 500, 2, None, True),
        ("3", 403, 3, None, None), ("4", 403, 4, None, True), ("10", 403, 10, None, None),
        ("17", 400, 17, 2446079, None), ("100/33", 400, 100, 33, None),
        ("100/1487411", 400, 100, 1487411, False), ("1487197", 400, 100, 1487197, False),
        ("1487242", 400, 100, 1487242, False), ("2490361", 400, 100, 2490361, False),
        ("102", 400, 102, None, None), ("190", 400, 190, None, None),
        ("190/463", 400, 190, 463, None), ("200", 403, 200, None, None),
        ("368", 400, 368, None, None), ("368/1404078", 400, 368, 1404078, None),
        ("415", 400, 415, None, None), ("613", 400, 613, None, None),
        ("613/1487742", 400, 613, 1487742, None), ("613/5044001", 400, 613, 5044001, None),
        ("803", 400, 803, None, None), ("2635", 400, 2635, None, None),
        ("80004", 400, 80004, 2446079, None), ("80014", 400, 80014, 2446079, None),
    ],
)  # fmt: skip
def test_each_error_has_its_documented_code_status_and_type(
    name: str, status: int, code: int, subcode: int | None, transient: bool | None
) -> None:
    refusal = CATALOGUE[name]
    error = refusal.body()["error"]
    assert isinstance(error, dict)
    assert refusal.status == status
    assert (error["code"], error.get("error_subcode"), error.get("is_transient")) == (
        code, subcode, transient,
    )  # fmt: skip
    assert error["fbtrace_id"]


def test_a_message_with_text_of_the_caller_does_not_break_the_header() -> None:
    outcome = error_outcome(call_error("100", 'no "such" thing\r\nX: ü').api_error)
    assert outcome.headers["WWW-Authenticate"].endswith('"no such thingX: "')
