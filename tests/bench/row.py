"""One row of the result: a figure, the figures of other tools, and the goal."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A bound for the ratio to the best other tool or, with `of_figure`, for the figure itself."""

    bound: float
    at_most: bool = True
    of_figure: bool = False

    def is_reached(self, figure: float, ratio: float | None) -> bool | None:
        """Return whether the goal is reached; None without a ratio."""
        measured = figure if self.of_figure else ratio
        if measured is None:
            return None
        slack = abs(self.bound) * 1e-9
        return measured <= self.bound + slack if self.at_most else measured >= self.bound - slack

    def text(self, unit: str) -> str:
        sign = "≤" if self.at_most else "≥"
        return f"{sign} {shown(self.bound)} {unit if self.of_figure else '×'}".rstrip()


@dataclass(frozen=True)
class Row:
    """One line of the table. The ratio is to the best of the other tools, `against[0]`."""

    what: str
    figure: float | None = None
    unit: str = ""
    against: list[tuple[str, float]] = field(default_factory=list)
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        if self.figure is None or not self.against or not self.against[0][1]:
            return None
        return self.figure / self.against[0][1]

    @property
    def reached(self) -> bool | None:
        if self.goal is None or self.figure is None:
            return None
        return self.goal.is_reached(self.figure, self.ratio)

    def as_json(self) -> dict[str, Any]:
        """Return the row as values for JSON."""
        peers = [{"peer": name, "figure": figure} for name, figure in self.against]
        return asdict(self) | {
            "against": peers,
            "ratio": self.ratio,
            "goal": None if self.goal is None else self.goal.text(self.unit),
            "reached": self.reached,
        }

    def cells(self) -> list[str]:
        """Return the cells of the row in the printed table."""
        figure = "–" if self.figure is None else f"{shown(self.figure)} {self.unit}".rstrip()
        peers = ", ".join(f"{name} {shown(value)}" for name, value in self.against)
        goal = "" if self.goal is None else self.goal.text(self.unit)
        reached = {True: "yes", False: "**no**", None: ""}[self.reached]
        ratio = "" if self.ratio is None else f"{shown(self.ratio)} ×"
        what = f"{self.what} ({self.note})" if self.note else self.what
        return [what, figure, peers, ratio, goal, reached]


HEAD = ["what", "figure", "against", "ratio", "goal", "reached"]


def best(peers: dict[str, float], *, lowest: bool = True) -> list[tuple[str, float]]:
    """Return the peers sorted from the best to the worst."""
    return sorted(peers.items(), key=lambda peer: peer[1], reverse=not lowest)


def shown(figure: float) -> str:
    """Return the figure with three significant digits, and whole numbers in full."""
    if figure == int(figure) and abs(figure) < 1e15:
        return f"{int(figure):,}"
    if abs(figure) >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.3g}"
