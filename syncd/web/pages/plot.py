"""A plot of figures over time, as SVG in HTML.

Horizontal positions are percentages and vertical ones are pixels, so that a plot fills the width of
any window, and its texts keep their size. Colours are classes of the style sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from syncd.web.html import Html, element

HEIGHT = 130
"""Pixels of the bars; the texts of the time axis are below them."""

_TICKS = 26  # pixels, below the bars: the marks, and the time axis
_GAP = 0.18  # of the width of a bar, between two of them


class Bar(msgspec.Struct, frozen=True):
    """The figures of one span of time, the lowest part first."""

    text: str
    """Says what the bar shows, for a pointer at it."""
    parts: Sequence[float] | None
    """None: this time has no figures."""
    is_marked: bool = False


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """A plot; its bars are in order of time."""

    id: str
    title: str
    """With the unit of its figures."""
    note: str
    description: str
    """What it shows, in words, for those who cannot see it."""
    series: Sequence[str]
    """The name of each part of a bar, which is its class in the style sheet too."""
    bars: Sequence[Bar]
    ticks: Sequence[tuple[int, str]]
    """The numbers of bars that the time axis names."""
    top: float | None = None
    """The end of the axis of figures, where longer bars end too; None: as the figures need it."""
    mark: str = ""
    """What a marked bar means."""


def plotted(plot: Plot) -> Html:
    """Return a plot with its title and legend."""
    top = plot.top or nice_top(max((sum(bar.parts or ()) for bar in plot.bars), default=0.0))
    titles = (f"{plot.id}-title", f"{plot.id}-text")
    return element(
        "figure",
        element("figcaption", element("b", plot.title), " ", element("small", plot.note)),
        element(
            "svg",
            element("title", plot.title, id=titles[0]),
            element("desc", plot.description, id=titles[1]),
            _drawing(plot, top),
            role="img",
            height=HEIGHT + _TICKS,
            aria_labelledby=" ".join(titles),
        ),
        element("ul", _legend(plot), class_="legend"),
        class_="plot",
    )


def nice_top(largest: float) -> float:
    """Return a round number from `largest` on, which has a round half: 2, 4, 10, 20, 40, 100 …"""
    size = 1.0
    while True:
        for step in (2, 4, 10):
            if largest <= step * size:
                return step * size
        size *= 10


def short(number: float) -> str:
    """Return a number in at most five characters: 950, 1.2k, 40k, 3M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:g}"


def _drawing(plot: Plot, top: float) -> Iterator[Html]:
    yield from _axis(top)
    for number in range(len(plot.bars)):
        yield _bar(number, plot, top)
    for number, text in plot.ticks:
        yield _tick(number, text, len(plot.bars))


def _axis(top: float) -> Iterator[Html]:
    for value in (0.0, top / 2, top):
        y = f"{_y(value, top):.1f}"
        yield element("line", x1="0", x2="100%", y1=y, y2=y, class_="axis")
        yield element("text", short(value), x="-6", y=y, dy="0.32em", class_="value")


def _bar(number: int, plot: Plot, top: float) -> Html:
    bar, width = plot.bars[number], 100 / len(plot.bars)
    left, wide = number * width, width * (1 - _GAP)
    parts: list[Html] = []
    below = 0.0
    for name, part in zip(plot.series, bar.parts or (), strict=bar.parts is not None):
        if part > 0:
            parts.append(_rect(left, wide, (_y(below + part, top), _y(below, top)), name))
            below += part
    if bar.is_marked:
        parts.append(_rect(left, width, (HEIGHT + 2.0, HEIGHT + 6.0), "marked"))
    whole = _rect(left, width, (0.0, float(HEIGHT)), "span" if bar.parts is not None else "gap")
    return element("g", element("title", bar.text), whole, parts)


def _rect(left: float, width: float, between: tuple[float, float], name: str) -> Html:
    upper, lower = between
    return element(
        "rect",
        x=f"{left:.2f}%",
        width=f"{width:.2f}%",
        y=f"{upper:.1f}",
        height=f"{max(1.0, lower - upper):.1f}",
        class_=name,
    )


def _y(value: float, top: float) -> float:
    return HEIGHT * (1 - min(value, top) / top)


def _tick(number: int, text: str, bars: int) -> Html:
    return element("text", text, x=f"{100 * (number + 0.5) / bars:.2f}%", y=HEIGHT + 20)


def _legend(plot: Plot) -> Iterator[Html]:
    shown = {name: name for name in plot.series}
    if any(bar.parts is None for bar in plot.bars):
        shown["gap"] = "syncd did not run"
    if plot.mark and any(bar.is_marked for bar in plot.bars):
        shown["marked"] = plot.mark
    for name, text in shown.items():
        yield element("li", element("i", class_=name), text)
