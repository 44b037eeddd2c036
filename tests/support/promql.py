"""The metrics and labels that a PromQL expression uses."""

import re
from dataclasses import dataclass

_SELECTOR = re.compile(r"\b(?P<name>(?:syncd|process)_\w+)(?:\{(?P<matchers>[^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on|ignoring|without)\s*\(([^)]*)\)")

TARGET = {"instance", "job"}
"""Labels that Prometheus adds."""


@dataclass(frozen=True)
class Used:
    """What one expression uses."""

    metrics: frozenset[str]
    labels: frozenset[str]  # all of them, except those of the target
    values: frozenset[tuple[str, str, str]]  # metric, label, value; those of variables excluded


def used_by(expression: str) -> Used:
    """Return the metrics, the labels, and the values that labels are compared with."""
    metrics, labels = set[str](), set[str]()
    values = set[tuple[str, str, str]]()
    for selector in _SELECTOR.finditer(expression):
        metrics.add(selector["name"])
        for label, value in _MATCHER.findall(selector["matchers"] or ""):
            labels.add(label)
            if "$" not in value:
                values |= {(selector["name"], label, one) for one in value.split("|")}
    for group in _GROUPING.findall(expression):
        labels |= {label.strip() for label in group.split(",")} - {""}
    return Used(frozenset(metrics), frozenset(labels - TARGET - {"le"}), frozenset(values))
