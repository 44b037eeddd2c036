"""Families: the motif and the ratio in a file name, and the ratios that a motif lacks."""

import pytest

from syncd.rules.family import Family, Member, family, member


@pytest.mark.parametrize(
    ("name", "motif", "ratio"),
    [
        ("summer_1x1.jpg", "summer", "1x1"),
        ("summer_9x16.jpg", "summer", "9x16"),
        ("Summer-Sale_v2_16x9.PNG", "summer-sale_v2", "16x9"),
        ("summer 4:5.jpg", "summer", "4x5"),
        ("summer_1.91x1.jpg", "summer", "1.91x1"),
        ("summer_vertical.jpg", "summer", "vertical"),
        ("summer_HORIZONTAL.jpg", "summer", "horizontal"),
        ("summer_square.jpg", "summer", "1x1"),
        ("summer (story).jpg", "summer", "9x16"),
        ("شتاء_1x1.jpg", "شتاء", "1x1"),
        ("a.b_1x1.jpg", "a.b", "1x1"),
    ],
)
def test_a_name_with_a_ratio_belongs_to_a_motif(name: str, motif: str, ratio: str) -> None:
    assert member(name) == Member(motif, ratio)


@pytest.mark.parametrize(
    "name", ["summer.jpg", "1x1.jpg", "_1x1.jpg", "summer1x1.jpg", "summer_1080x1920.jpg", "", "."]
)
def test_a_name_without_a_ratio_belongs_to_no_family(name: str) -> None:
    assert member(name) is None


def test_a_ratio_is_missing_if_another_motif_of_the_directory_has_it() -> None:
    names = ["a_1x1.jpg", "a_9x16.jpg", "b_1x1.jpg", "b_16x9.jpg", "other.jpg"]
    assert family("a", names) == Family(present=("9x16", "1x1"), missing=("16x9",))
    assert family("b", names) == Family(present=("1x1", "16x9"), missing=("9x16",))


def test_the_only_motif_of_a_directory_lacks_nothing() -> None:
    assert family("a", ["a_vertical.jpg", "A_horizontal.png"]) == Family(
        present=("vertical", "horizontal"), missing=()
    )


def test_ratios_are_in_order_of_their_width() -> None:
    names = [f"a_{ratio}.jpg" for ratio in ("1.91x1", "1x1", "9x16", "16x9", "4x5", "1x0")]
    assert family("a", names).present == ("9x16", "4x5", "1x0", "1x1", "16x9", "1.91x1")
