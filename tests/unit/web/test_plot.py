"""The plots of the overview: valid SVG, whatever the figures, and the same facts in words."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.ledger.activity import HOUR, Figures
from syncd.web.pages.activity import (
    DAYS,
    HOURS,
    Activity,
    activity_section,
    days_of,
    first_hour,
    hours_of,
    in_words,
)
from syncd.web.pages.plot import HEIGHT, Bar, Plot, nice_top, plotted, short

NOW = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC
LAST = int(NOW) // HOUR
MARKUP = "</svg><script>alert(1)</script>\u202e"
EVERY_HOUR = frozenset(range(LAST - 800, LAST + 1))
NUMBERS = st.integers(0, 2**40)


@pytest.fixture(autouse=True)
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set the time zone of the process; the parameter names it."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = getattr(request, "param", "UTC")
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def activity(
    *figures: Figures,
    account: str | None = None,
    others: Sequence[str] = (),
    running: frozenset[int] = EVERY_HOUR,
    now: float = NOW,
) -> Activity:
    return Activity(account=account, others=others, figures=figures, running=running, now=now)


def plot(*bars: Bar, top: float | None = None) -> Plot:
    return Plot(
        id="p",
        title="Images",
        note="per hour",
        description="3 in all.",
        series=("uploaded", "copied"),
        bars=bars,
        ticks=[(0, "06:00")],
        top=top,
        mark="it was paused",
    )


def svgs(page: str) -> list[ET.Element]:
    return [ET.fromstring(found) for found in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def rects(svg: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in svg.iter("rect") if one.get("class") == name]


def heights(svg: ET.Element, name: str) -> list[float]:
    return [float(one.get("height", "")) for one in rects(svg, name)]


def test_the_parts_of_a_bar_are_on_top_of_each_other() -> None:
    (svg,) = svgs(plotted(plot(Bar("a", (10.0, 30.0)), Bar("b", (20.0, 0.0)))))
    assert heights(svg, "uploaded") == [HEIGHT / 4, HEIGHT / 2]
    assert heights(svg, "copied") == [HEIGHT * 3 / 4]
    assert rects(svg, "copied")[0].get("y") == "0.0"
    assert [one.get("x") for one in rects(svg, "uploaded")] == ["0.00%", "50.00%"]


def test_a_time_without_figures_is_a_gap_and_not_a_zero() -> None:
    found = plotted(plot(Bar("a", None), Bar("b", (0.0, 0.0))))
    (svg,) = svgs(found)
    assert [one.get("x") for one in rects(svg, "gap")] == ["0.00%"]
    assert heights(svg, "uploaded") == []
    assert "syncd did not run" in found
    assert "syncd did not run" not in plotted(plot(Bar("b", (0.0, 0.0))))


def test_a_mark_is_explained_where_there_is_one() -> None:
    marked = plotted(plot(Bar("a", (1.0, 0.0), is_marked=True)))
    assert "it was paused" in marked
    assert "it was paused" not in plotted(plot(Bar("a", (1.0, 0.0))))


def test_a_plot_is_named_and_described_for_those_who_cannot_see_it() -> None:
    (svg,) = svgs(plotted(plot(Bar("a", (1.0, 2.0)))))
    title, text = (svg.find(tag) for tag in ("title", "desc"))
    assert title is not None
    assert text is not None
    assert (svg.get("role"), title.text, text.text) == ("img", "Images", "3 in all.")
    assert svg.get("aria-labelledby") == f"{title.get('id')} {text.get('id')}"


@pytest.mark.parametrize(
    ("largest", "top"),
    [(0, 2), (1, 2), (2, 2), (3, 4), (5, 10), (11, 20), (99, 100), (2**40, 2e12)],
)
def test_the_axis_ends_at_a_round_number_from_the_largest_figure_on(
    largest: float, top: float
) -> None:
    assert nice_top(largest) == top


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (0.5, "0.5"), (950, "950"), (1200, "1.2k"), (2e6, "2M")]
)
def test_a_number_on_an_axis_is_short(number: float, text: str) -> None:
    assert short(number) == text


@given(
    st.lists(
        st.builds(
            Figures,
            hour=st.integers(LAST - 900, LAST + 900),
            calls=NUMBERS,
            throttled=NUMBERS,
            uploaded=NUMBERS,
            copied=NUMBERS,
            deleted=NUMBERS,
            budget=NUMBERS,
            blocked=NUMBERS,
        ),
        max_size=60,
        unique_by=lambda one: one.hour,
    ),
    st.frozensets(st.integers(LAST - 900, LAST + 900)),
)
def test_every_plot_is_valid_and_its_bars_are_inside_it(
    figures: list[Figures], running: frozenset[int]
) -> None:
    found = svgs(activity_section(activity(*figures, running=running)))
    assert len(found) == 4
    for svg in found:
        for rect in svg.iter("rect"):
            left, width, y, height = (
                float(rect.get(one, "").rstrip("%")) for one in ("x", "width", "y", "height")
            )
            assert left >= 0
            assert left + width <= 100.05
            assert y >= 0
            assert y + height <= HEIGHT + (6 if rect.get("class") == "marked" else 1)


def test_a_hostile_name_of_an_account_is_text() -> None:
    page = activity_section(activity(account=MARKUP, others=[MARKUP, "main"]))
    assert "<script" not in page
    assert "\u202e" not in page
    assert page.count("&lt;script&gt;") == 1
    assert "style=" not in page, "the policy of the pages forbids it"


def test_an_activity_without_figures_is_plotted_and_described() -> None:
    page = activity_section(activity())
    assert "0 uploaded, 0 copied, 0 deleted in all." in page
    assert "0 calls, 0 throttled." in page
    assert "syncd did not run" not in page


def test_one_hour_is_one_bar_of_both_spans() -> None:
    one = Figures(
        hour=LAST, calls=7, throttled=1, uploaded=90, copied=4, deleted=2, budget=456, blocked=120
    )
    page = activity_section(activity(one))
    assert "the most, 96, in 14:00 to 15:00." in page
    assert "the most, 96, in 2026-09-21." in page
    assert "at most 45.6 % of the budget, in 14:00 to 15:00; blocked for 2 min in all." in page
    images, budget, *_ = svgs(page)
    assert [len(rects(images, name)) for name in ("uploaded", "copied", "deleted")] == [1, 1, 1]
    assert heights(budget, "budget") == [round(HEIGHT * 0.456, 1)]
    assert len(rects(budget, "marked")) == 1


def test_the_figures_of_a_span_are_words_too() -> None:
    one = Figures(
        hour=LAST, calls=1200, throttled=3, uploaded=90, copied=0, deleted=2, budget=5, blocked=7200
    )
    assert in_words(one) == (
        "90 uploaded, 2 deleted; 1,200 calls, 3 throttled, at most 0.5 % of the budget used,"
        " blocked for 2 h in all"
    )
    assert in_words(Figures(hour=1)) == "no images; 0 calls, at most 0 % of the budget used"
    assert in_words(None) == "syncd did not run"


def test_a_budget_that_was_exceeded_is_a_full_bar_and_its_words_have_the_figure() -> None:
    page = activity_section(activity(Figures(hour=LAST, calls=1, budget=1234)))
    assert heights(svgs(page)[1], "budget") == [float(HEIGHT)]
    assert "at most 123.4 % of the budget" in page


def test_hours_in_which_syncd_did_not_run_are_gaps_unless_it_did_something() -> None:
    shown = activity(Figures(hour=LAST - 2, calls=1), running=frozenset({LAST - 1}))
    spans = hours_of(shown)
    assert len(spans) == HOURS
    assert [span.sum is None for span in spans[-4:]] == [True, False, False, True]
    assert [span.sum is None for span in days_of(shown)[-2:]] == [True, False]


@pytest.mark.parametrize(
    ("zone", "now", "day", "hours"),
    [
        ("UTC", NOW, "2026-09-21", 15),
        ("Asia/Kolkata", NOW, "2026-09-21", 20),  # 19:43: its days begin at half past
        ("Europe/Berlin", 1_792_969_199.0, "2026-10-25", 25),  # the day on which summer time ends
        ("America/New_York", NOW, "2026-09-21", 11),
    ],
    indirect=["zone"],
)
def test_a_day_is_one_of_the_local_calendar(now: float, day: str, hours: int) -> None:
    last = int(now) // HOUR
    figures = [Figures(hour=hour, uploaded=1) for hour in range(last - 800, last + 1)]
    days = days_of(activity(*figures, now=now))
    assert len(days) == DAYS
    assert days[-1].words == day
    assert days[-1].sum is not None
    assert days[-1].sum.uploaded == hours
    assert first_hour(now) <= last - (DAYS - 1) * 24


@pytest.mark.parametrize("zone", ["Asia/Kolkata"], indirect=True)
def test_hours_are_named_in_the_local_zone() -> None:
    assert hours_of(activity())[-1].words == "19:30 to 20:30"
    assert "Times are IST" in activity_section(activity())


def test_200_accounts_are_offered_on_their_cards_and_the_section_stays_small() -> None:
    figures = [
        Figures(hour=hour, calls=9, uploaded=900, copied=100, deleted=5, budget=333, blocked=60)
        for hour in range(LAST - 719, LAST + 1)
    ]
    others = [f"account-{number}" for number in range(8)]
    page = activity_section(activity(*figures, others=others))
    assert len(page) < 70_000
    assert page.count("<svg") == 4
