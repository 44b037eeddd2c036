"""The activity over the last day and the last 30 days, as plots and as tables."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from syncd.ledger.activity import HOUR, Figures
from syncd.rules.forecast import amount, duration
from syncd.web.addresses import activity_address
from syncd.web.html import Content, Html, element, name
from syncd.web.pages.plot import Bar, Plot, plotted

HOURS = 24
"""Bars of the plots of the last day."""

DAYS = 30
"""Bars of the plots of the last month."""

_IMAGES = ("uploaded", "copied", "deleted")


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the last 30 days, of one account or of all."""

    account: str | None
    """None: all accounts together."""
    others: Sequence[str]
    """The accounts with the most calls lately."""
    figures: Sequence[Figures]
    running: frozenset[int]
    """The hours in which a daemon ran."""
    now: float
    """Unix seconds."""


class Span(msgspec.Struct, frozen=True):
    """An hour or a day."""

    label: str
    """On the time axis."""
    words: str
    sum: Figures | None
    """None: syncd did not run, and did nothing."""


def first_hour(now: float) -> int:
    """Return the first hour that is shown at `now`, in unix seconds."""
    begin = time.localtime(now)
    day = time.mktime((begin.tm_year, begin.tm_mon, begin.tm_mday - DAYS + 1, 0, 0, 0, 0, 0, -1))
    return int(day) // HOUR


def hours_of(activity: Activity) -> list[Span]:
    """Return the last hours; the last one has not ended."""
    known, last = _known(activity), int(activity.now) // HOUR
    return [_hour(hour, known) for hour in range(last - HOURS + 1, last + 1)]


def days_of(activity: Activity) -> list[Span]:
    """Return the last days, by the local calendar; the last one has not ended."""
    known = _known(activity)
    days: dict[str, list[int]] = {}
    for hour in range(first_hour(activity.now), int(activity.now) // HOUR + 1):
        days.setdefault(time.strftime("%Y-%m-%d", time.localtime(hour * HOUR)), []).append(hour)
    return [_span(_day(hours[-1]), day, hours, known) for day, hours in list(days.items())[-DAYS:]]


def _known(activity: Activity) -> Mapping[int, Figures]:
    """Return the figures of each hour in which syncd ran, or did something without the daemon."""
    idle = {hour: Figures(hour=hour) for hour in activity.running}
    return idle | {one.hour: one for one in activity.figures}


def _hour(hour: int, known: Mapping[int, Figures]) -> Span:
    begin, end = (time.strftime("%H:%M", time.localtime(at * HOUR)) for at in (hour, hour + 1))
    return _span(begin, f"{begin} to {end}", [hour], known)


def _day(hour: int) -> str:
    return time.strftime("%d %b", time.localtime(hour * HOUR)).lstrip("0")


def _span(label: str, words: str, hours: Sequence[int], known: Mapping[int, Figures]) -> Span:
    found = [known[hour] for hour in hours if hour in known]
    return Span(label, words, summed(hours[0], found) if found else None)


def summed(hour: int, figures: Iterable[Figures]) -> Figures:
    """Return the figures of several hours together; the first is `hour`."""
    total = Figures(hour=hour)
    for one in figures:
        total = Figures(
            hour=hour,
            calls=total.calls + one.calls,
            throttled=total.throttled + one.throttled,
            uploaded=total.uploaded + one.uploaded,
            copied=total.copied + one.copied,
            deleted=total.deleted + one.deleted,
            budget=max(total.budget, one.budget),
            blocked=total.blocked + one.blocked,
        )
    return total


def activity_section(activity: Activity) -> Html:
    """Return the plots, and the choice of an account."""
    hours, days = hours_of(activity), days_of(activity)
    return element(
        "section",
        element("h2", "Activity of ", _who(activity)),
        [element("p", _choice(activity), class_="choice"), _note(activity)],
        element(
            "div",
            plotted(_images("hour", HOURS, hours)),
            plotted(_budget("hour", hours, activity)),
            plotted(_images("day", DAYS, days)),
            plotted(_budget("day", days, activity)),
            class_="plots",
        ),
        _tables(hours, days),
        id="activity",
    )


def _note(activity: Activity) -> Html:
    zone = time.strftime("%Z", time.localtime(activity.now))
    text = f"Times are {zone}; the last hour and the last day have not ended."
    return element("p", text, class_="note")


def _who(activity: Activity) -> Content:
    return "all accounts" if activity.account is None else name(activity.account)


def _choice(activity: Activity) -> Iterator[Html]:
    if activity.account is not None:
        yield element("a", "all accounts", href=activity_address())
    for one in activity.others:
        if one != activity.account:
            yield element("a", name(one), href=activity_address(account=one))


def _images(what: str, number: int, spans: Sequence[Span]) -> Plot:
    return Plot(
        id=f"images-{what}",
        title=f"Images per {what}",
        note=f"in the last {number} {what}s",
        description=_images_in_words(spans),
        series=_IMAGES,
        bars=[
            Bar(
                f"{span.words}: {in_words(span.sum)}",
                None if span.sum is None else [getattr(span.sum, one) for one in _IMAGES],
            )
            for span in spans
        ],
        ticks=_ticks(spans),
    )


def _budget(what: str, spans: Sequence[Span], activity: Activity) -> Plot:
    one = activity.account is not None
    return Plot(
        id=f"budget-{what}",
        title="Budget used, in %",
        note=f"largest of each {what}{'' if one else ', of any account'}",
        description=_budget_in_words(spans),
        series=("budget",),
        bars=[
            Bar(
                f"{span.words}: {in_words(span.sum)}",
                None if span.sum is None else [span.sum.budget / 10],
                is_marked=span.sum is not None and bool(span.sum.blocked),
            )
            for span in spans
        ],
        ticks=_ticks(spans),
        top=100.0,
        mark=f"{'the' if one else 'an'} account was paused or stopped",
    )


def _ticks(spans: Sequence[Span]) -> list[tuple[int, str]]:
    """Return the labels of four or five spans, counted from the last."""
    numbers = range(len(spans) - 1, -1, -(len(spans) // 4))
    return [(number, spans[number].label) for number in reversed(numbers)]


def in_words(figures: Figures | None) -> str:
    """Return the figures of a span as a sentence."""
    if figures is None:
        return "syncd did not run"
    images = [f"{getattr(figures, one):,} {one}" for one in _IMAGES if getattr(figures, one)]
    text = f"{', '.join(images) or 'no images'}; {amount(figures.calls, 'call')}"
    if figures.throttled:
        text += f", {figures.throttled:,} throttled"
    text += f", at most {figures.budget / 10:g} % of the budget used"
    return f"{text}, blocked for {duration(figures.blocked)} in all" if figures.blocked else text


def _images_in_words(spans: Sequence[Span]) -> str:
    known = [(span, span.sum) for span in spans if span.sum is not None]
    total = summed(0, (one for _, one in known))
    parts = ", ".join(f"{getattr(total, one):,} {one}" for one in _IMAGES)
    most = max(known, key=lambda one: _count(one[1]), default=None)
    if most is None or not _count(most[1]):
        return f"{parts} in all."
    return f"{parts} in all; the most, {_count(most[1]):,}, in {most[0].words}."


def _count(figures: Figures) -> int:
    return figures.uploaded + figures.copied + figures.deleted


def _budget_in_words(spans: Sequence[Span]) -> str:
    known = [(span, span.sum) for span in spans if span.sum is not None]
    total = summed(0, (one for _, one in known))
    text = f"{amount(total.calls, 'call')}, {total.throttled:,} throttled"
    most = max(known, key=lambda one: one[1].budget, default=None)
    if most is not None and most[1].budget:
        text += f"; at most {most[1].budget / 10:g} % of the budget, in {most[0].words}"
    return f"{text}; blocked for {duration(total.blocked)} in all." if total.blocked else f"{text}."


def _tables(hours: Sequence[Span], days: Sequence[Span]) -> Html:
    return element(
        "details",
        element("summary", "The same figures as a table"),
        element("div", _table("Hour", hours), class_="wide"),
        element("div", _table("Day", days), class_="wide"),
    )


def _table(what: str, spans: Sequence[Span]) -> Html:
    heads = (what, *_IMAGES, "calls", "throttled", "budget, at most", "blocked")
    return element(
        "table",
        element("thead", element("tr", [element("th", head, scope="col") for head in heads])),
        element("tbody", [element("tr", _cells(span)) for span in reversed(spans)]),
    )


def _cells(span: Span) -> Iterator[Html]:
    yield element("th", span.words, scope="row")
    one = span.sum
    if one is None:
        yield element("td", "syncd did not run", colspan=7)
        return
    for number in (one.uploaded, one.copied, one.deleted, one.calls, one.throttled):
        yield element("td", number)
    yield element("td", f"{one.budget / 10:g} %")
    yield element("td", duration(one.blocked) if one.blocked else "")
