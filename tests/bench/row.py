"""What the bench measures: one figure, what it stands against, and whether the goal is reached."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Goal:
    """What is to be reached, by the ratio or, with `of_figure`, by the figure itself."""

    bound: float
    at_most: bool = True
    of_figure: bool = False

    def reached(self, figure: float, ratio: float | None) -> bool | None:
        """Tell whether it is; None without a peer to compare with."""
        measured = figure if self.of_figure else ratio
        if measured is None:
            return None
        slack = abs(self.bound) * 1e-9
        return measured <= self.bound + slack if self.at_most else measured >= self.bound - slack

    def words(self, unit: str) -> str:
        sign = "≤" if self.at_most else "≥"
        return f"{sign} {shown(self.bound)} {unit if self.of_figure else '×'}".rstrip()


@dataclass(frozen=True)
class Row:
    """One line of the table. Of several peers, the best (`against[0]`) makes the ratio."""

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
        return self.goal.reached(self.figure, self.ratio)

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        peers = [{"peer": name, "figure": figure} for name, figure in self.against]
        return asdict(self) | {
            "against": peers,
            "ratio": self.ratio,
            "goal": None if self.goal is None else self.goal.words(self.unit),
            "reached": self.reached,
        }

    def cells(self) -> list[str]:
        """Return it as the cells of a line for a person."""
        figure = "–" if self.figure is None else f"{shown(self.figure)} {self.unit}".rstrip()
        peers = ", ".join(f"{name} {shown(value)}" for name, value in self.against)
        goal = "" if self.goal is None else self.goal.words(self.unit)
        reached = {True: "yes", False: "**no**", None: ""}[self.reached]
        ratio = "" if self.ratio is None else f"{shown(self.ratio)} ×"
        what = f"{self.what} ({self.note})" if self.note else self.what
        return [what, figure, peers, ratio, goal, reached]


HEAD = ["what", "figure", "against", "ratio", "goal", "reached"]


def best(peers: dict[str, float], *, lowest: bool = True) -> list[tuple[str, float]]:
    """Return peers with the one first that is hardest to beat."""
    return sorted(peers.items(), key=lambda peer: peer[1], reverse=not lowest)


def shown(figure: float) -> str:
    """Return three digits that count, and no more."""
    if figure == int(figure) and abs(figure) < 1e15:
        return f"{int(figure):,}"
    if abs(figure) >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.3g}"
