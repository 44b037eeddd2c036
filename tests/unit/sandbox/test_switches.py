"""The switches: their notation, and the values that they take."""

import dataclasses

import pytest

from syncd.sandbox.switches import SwitchError, Switches, documented, switched, takes


def test_every_switch_has_a_description_of_one_line() -> None:
    assert [name for name, *_ in documented()] == [f.name for f in dataclasses.fields(Switches)]
    assert all(doc and "\n" not in doc for *_, doc in documented())


@pytest.mark.parametrize("field", dataclasses.fields(Switches), ids=lambda f: f.name)
def test_every_default_can_be_parsed(field: dataclasses.Field[object]) -> None:
    assert switched(Switches(), [f"{field.name}={field.default}"]) == Switches()


def test_a_value_gets_the_type_of_its_switch() -> None:
    made = switched(
        Switches(), ["many_files=5", "deletion_lag=inf", "one_bad_file=skips_it", "max_bytes=10"]
    )
    assert made == Switches(
        many_files=5, deletion_lag=float("inf"), one_bad_file="skips_it", max_bytes=10
    )


@pytest.mark.parametrize(
    "text",
    ["nothing=1", "tier", "tier=gold", "many_files=some", "max_bytes=x", "in_use_error=7",
     "time_scale=0", "usage_entry=[1]", "usage_entry={"],
)  # fmt: skip
def test_an_invalid_switch_is_rejected(text: str) -> None:
    with pytest.raises(SwitchError, match=text.split("=", maxsplit=1)[0]):
        switched(Switches(), [text])


def test_the_values_of_a_switch_are_listed() -> None:
    assert takes("many_files") == "accept, refuse, a whole number"
    assert takes("deletion_lag") == "a number"
