"""The events, fields and levels that each example query uses.

The queries are read from the shipped files: those for journalctl, Vector and Loki.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from support.readme import ROOT, lines_in

from syncd.log import LEVELS
from syncd.logs.catalogue import CATALOGUE

FILES = (
    "systemd/watch/README.md",
    "systemd/watch/journal.sh",
    "systemd/watch/loki-rules.yaml",
    "systemd/watch/vector.toml",
)
_EVERY_RECORD = {"event", "level", "timestamp"}
_ADDED = {"host", "message", "unit", *_EVERY_RECORD}
"""Fields of Vector's records in addition to the event's own."""
_PRIORITIES = {"crit": "critical", "err": "error"}
"""journalctl's names of levels that differ from those of syncd."""
_WORD = r'"([^"]*)"'


@dataclass(frozen=True)
class Query:
    """The names in one query; `where` identifies the query in a failed test."""

    where: str
    events: frozenset[str]
    fields: frozenset[str]
    levels: frozenset[str]


def examples() -> dict[str, str]:
    """Return the text of each file with queries."""
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in FILES}


def every_query(texts: Mapping[str, str]) -> list[Query]:
    """Return every query in these texts."""
    readme, script, rules, vector = (texts[name] for name in FILES)
    return [
        *(of_shell(line, f"README: {line}") for line in lines_in(readme, "journal")),
        *(of_logql(line, f"README: {line}") for line in lines_in(readme, "logql")),
        *(of_shell(part, "journal.sh") for part in re.split(r"\n(?=\w+\(\) \{)", script)),
        *(of_logql(rule["expr"], f"alert {rule['alert']}") for rule in alerts(rules)),
        of_shell(" ".join(re.findall("#.*", rules)), "the head of loki-rules.yaml"),
        *_of_vector(vector_of(vector)),
    ]


def wrong_with(query: Query) -> list[str]:
    """Return the names that the catalogue lacks or does not have together."""
    known = {event.name: event for event in CATALOGUE}
    wrong = [f"no event {name}" for name in query.events - set(known)]
    meant = [known[name] for name in query.events & set(known)] or list(CATALOGUE)
    fields = {name for event in meant for name in event.fields}
    wrong += [f"no such event has the field {name}" for name in query.fields - fields]
    levels = {str(level) for event in meant for level in event.levels}
    wrong += [f"no level {name}" for name in query.levels - set(LEVELS)]
    wrong += [f"no such event has the level {name}" for name in query.levels & set(LEVELS) - levels]
    return [f"{query.where}: {what}" for what in sorted(wrong)]


def alerts(rules: str) -> list[dict[str, Any]]:
    """Return the alert rules for Loki."""
    return [rule for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]]


def vector_of(text: str) -> dict[str, Any]:
    """Return Vector's configuration."""
    return tomllib.loads(text)


def of_shell(text: str, where: str) -> Query:
    """Return the names that a journalctl command and its jq filter use."""
    levels = re.findall(r"(?:-p |--priority=)(\w+)", text)
    return Query(
        where,
        events=frozenset(re.findall(r"\bSYNCD_EVENT=([\w.]+)", text)),
        fields=frozenset(name.lower() for name in re.findall(r"\bSYNCD_(?!EVENT\b)(\w+)", text)),
        levels=frozenset(_PRIORITIES.get(level, level) for level in levels),
    )


def of_logql(text: str, where: str) -> Query:
    """Return the names that a LogQL query uses."""
    pipes = re.sub(r"\{[^}]*\}", "", text)
    named = set(re.findall(r"([A-Za-z_]\w*) *(?:[=!]~|[=!<>]=|[=<>])", pipes))
    named |= set(re.findall(r"\bunwrap (\w+)", pipes))
    for several in re.findall(r"\b(?:json|by) *\(?((?:\w+, *)*\w+)", pipes):
        named |= set(re.findall(r"\w+", several))
    return Query(
        where,
        events=_values_of(pipes, "event"),
        fields=frozenset(named - _ADDED - {"__error__"}),
        levels=_values_of(pipes, "level"),
    )


def _values_of(pipes: str, label: str) -> frozenset[str]:
    found = re.findall(rf"\b{label} *=~? *{_WORD}", pipes)
    return frozenset(word.replace("\\", "") for one in found for word in one.split("|"))


def of_program(text: str, where: str) -> Query:
    """Return the names that a VRL condition or a Lua program uses."""
    values = set(re.findall(rf"\.(event|level)(?: *[~=!]=|,) *{_WORD}", text))
    for words, name in re.findall(r"\bincludes\((\[[^]]*\]), \.(\w+)\)", text):
        values |= {(name, word) for word in re.findall(_WORD, words)}
    return Query(
        where,
        events=frozenset(word for name, word in values if name == "event"),
        fields=frozenset(re.findall(r"(?<![\w)])\.([a-z]\w*)", text)) - _ADDED,
        levels=frozenset(word for name, word in values if name == "level"),
    )


def _of_vector(config: Mapping[str, Any]) -> Iterator[Query]:
    transforms = config["transforms"]
    for name, condition in transforms["watch"]["route"].items():
        yield of_program(condition, f"route {name}")
    for name, transform in transforms.items():
        program = transform.get("source", "")
        read = of_program(program, f"transform {name}")
        numbers = re.search(r"\bnumbers = \[(.*?)\]", program, re.DOTALL)
        fields = {*read.fields, *(re.findall(_WORD, numbers[1]) if numbers else [])}
        fields |= set(re.findall(r"\{\{ (\w+) \}\}", transform.get("key_field", "")))
        yield Query(read.where, read.events, frozenset(fields - _ADDED), read.levels)
    for test in config["tests"]:
        where = f"test: {test['name']}"
        for given in test["inputs"]:
            pairs = (f"{name}={value}" for name, value in given["log_fields"].items())
            yield of_shell(" ".join(pairs), where)
        for output in test.get("outputs", []):
            for condition in output["conditions"]:
                yield of_program(condition["source"], where)
