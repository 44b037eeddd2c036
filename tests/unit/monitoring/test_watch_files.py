"""The dashboard and the rules in systemd/watch use the metrics of the code, and what they test."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.exposition import promtool
from support.promql import TARGET, used_by
from support.readme import MONITORING, ROOT, lines_of

from syncd.engine.counters import CallKind, Outcome
from syncd.monitoring.figures import ACCOUNT_STATES
from syncd.monitoring.metrics import METRICS, Kind

WATCH = ROOT / "systemd/watch"
RULES_TEXT = (WATCH / "prometheus-rules.yaml").read_text(encoding="utf-8")
TESTS_TEXT = (WATCH / "prometheus-rules.test.yaml").read_text(encoding="utf-8")
DASHBOARD: dict[str, Any] = json.loads((WATCH / "grafana-dashboard.json").read_text("utf-8"))

(GROUP,) = yaml.safe_load(RULES_TEXT)["groups"]
RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in GROUP["rules"]}
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
EXPRESSIONS = {
    **{f"rule {name}": str(rule["expr"]) for name, rule in RULES.items()},
    **{
        f"panel {panel['title']} {target['refId']}": str(target["expr"])
        for panel in PANELS
        for target in panel["targets"]
    },
    **{
        f"variable {name}": str(variable["definition"]).replace("label_values(", "(")
        for name, variable in VARIABLES.items()
        if variable["type"] == "query"
    },
}

LABELS: dict[str, set[str]] = {}
for _metric in METRICS:
    _suffixes = ("_bucket", "_count", "_sum") if _metric.kind is Kind.HISTOGRAM else ("",)
    LABELS |= {_metric.name + suffix: set(_metric.labels) for suffix in _suffixes}

VALUES = {
    ("syncd_images", "state"): {"held", "missing", "rejected", "in_flight"},
    ("syncd_account_state", "state"): set(ACCOUNT_STATES),
    ("syncd_calls_total", "kind"): {kind.value for kind in CallKind},
    ("syncd_calls_total", "outcome"): {outcome.value for outcome in Outcome},
    ("syncd_budget_used_ratio", "window"): {"points", "calls"},
}


UNKNOWN = {"/annotations/list/0/builtIn", *(f"/templating/list/{n}/definition" for n in (1, 2))}
"""Fields that Grafana exports, and its published models lack."""


def test_the_dashboard_has_only_fields_that_grafana_knows() -> None:
    why = "NOT TESTED: the fields of the dashboard; grafana-foundation-sdk is not installed"
    models = pytest.importorskip("grafana_foundation_sdk.models.dashboard", reason=why)
    encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder")
    plugins = pytest.importorskip("grafana_foundation_sdk.cog.plugins")
    plugins.register_default_plugins()
    read = models.Dashboard.from_json(deepcopy(DASHBOARD))
    written = json.loads(json.dumps(read, cls=encoder.JSONEncoder))
    assert set(_lost(DASHBOARD, written)) == UNKNOWN


def _lost(given: object, written: object, path: str = "") -> Iterator[str]:
    """Return the paths of values that are not the same after Grafana's models have read them."""
    match given, written:
        case dict(), dict():
            for key, value in given.items():
                yield from _lost(value, written.get(key), f"{path}/{key}")
        case list(), list() if len(given) == len(written):
            for number, (one, other) in enumerate(zip(given, written, strict=True)):
                yield from _lost(one, other, f"{path}/{number}")
        case _ if given != written:
            yield path


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_an_expression_uses_metrics_labels_and_values_of_the_code(where: str) -> None:
    used = used_by(EXPRESSIONS[where])
    assert used.metrics, "it names no metric"
    assert used.metrics <= set(LABELS)
    assert used.labels <= set[str]().union(*(LABELS[name] for name in used.metrics))
    for metric, label, value in used.values:
        assert value in VALUES[metric, label]


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("syncd_imagez > 0", {"syncd_imagez"}),
        ('rate(process_cpu_seconds{instance="a"}[5m])', {"process_cpu_seconds"}),
    ],
)
def test_an_unknown_metric_is_found(expression: str, wrong: set[str]) -> None:
    assert used_by(expression).metrics - set(LABELS) == wrong


def test_the_labels_and_values_of_an_expression_are_found() -> None:
    used = used_by('sum by (a, b) (syncd_x{c="1|2",d=~"$v",instance="i"}) / on (e) syncd_y')
    assert used.labels == {"a", "b", "c", "d", "e"}
    assert used.values == {
        ("syncd_x", "c", "1"),
        ("syncd_x", "c", "2"),
        ("syncd_x", "instance", "i"),
    }


def test_the_dashboard_or_a_rule_uses_every_metric() -> None:
    used = set[str]().union(*(used_by(expression).metrics for expression in EXPRESSIONS.values()))
    shown = {name.removesuffix("_bucket") for name in used}
    assert {metric.name for metric in METRICS} - shown == set()


@pytest.mark.parametrize("name", RULES)
def test_the_text_of_an_alert_uses_labels_that_it_has(name: str) -> None:
    rule = RULES[name]
    labels = set[str]().union(*(LABELS[metric] for metric in used_by(rule["expr"]).metrics))
    text = "".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels | TARGET
    assert set(rule["annotations"]) == {"summary", "description"}
    assert rule["labels"]["severity"] in {"warning", "critical"}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_panel_uses_labels_and_variables_that_exist(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    for target in panel["targets"]:
        expression = target["expr"]
        labels = set[str]().union(*(LABELS[name] for name in used_by(expression).metrics))
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels | TARGET
        variables = set(re.findall(r"\$(?!__)(\w+)", expression))
        assert variables <= set(VARIABLES)
        assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_the_panels_have_ids_and_places_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    places = [(panel["title"], panel["gridPos"]) for panel in DASHBOARD["panels"]]
    for title, place in places:
        assert place["x"] + place["w"] <= 24, title
    for (title, one), (other, two) in combinations(places, 2):
        is_apart = any(
            first[start] + first[length] <= second[start]
            for first, second in ((one, two), (two, one))
            for start, length in (("x", "w"), ("y", "h"))
        )
        assert is_apart, f"{title} covers {other}"


def test_the_dashboard_has_a_row_for_each_subject() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == [
        "Overview", "Accounts", "Budget used", "Backlog and forecast", "Latency",
        "Alerts and process",
    ]  # fmt: skip


@pytest.mark.prometheus
def test_promtool_parses_every_expression(tmp_path: Path) -> None:
    """As rules, because `promtool check` knows no dashboards."""
    rules = [
        {
            "record": f"test:{number}",
            "expr": re.sub(r"\$__rate_interval", "5m", re.sub(r"\$(instance|account)", ".*", text)),
        }
        for number, (where, text) in enumerate(EXPRESSIONS.items())
        if not where.startswith("variable")
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(file))


@pytest.mark.prometheus
def test_promtool_accepts_the_scrape_configuration_of_the_readme(tmp_path: Path) -> None:
    text = "\n".join(lines_of("prometheus", MONITORING))
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES_TEXT)
    file = tmp_path / "prometheus.yml"
    file.write_text(text.replace("/etc/prometheus/prometheus-rules.yaml", str(rules)))
    assert f"{len(RULES)} rules found" in promtool("check", "config", str(file))


@pytest.mark.prometheus
def test_the_rules_pass_their_tests() -> None:
    assert "SUCCESS" in promtool("check", "rules", str(WATCH / "prometheus-rules.yaml"))
    assert "SUCCESS" in promtool("test", "rules", str(WATCH / "prometheus-rules.test.yaml"))


def test_each_rule_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = [
        case for test in yaml.safe_load(TESTS_TEXT)["tests"] for case in test["alert_rule_test"]
    ]
    for fires in (True, False):
        assert {case["alertname"] for case in cases if ("exp_alerts" in case) is fires} == set(
            RULES
        )


@pytest.mark.parametrize("expression", ["vector(1)", "vector(0) > 1"])
def test_promtool_notices_a_rule_that_fires_always_or_never(
    tmp_path: Path, expression: str
) -> None:
    text = RULES_TEXT.replace("syncd_alerts > 0", expression)
    assert text != RULES_TEXT
    (tmp_path / "prometheus-rules.yaml").write_text(text)
    (tmp_path / "test.yaml").write_text(TESTS_TEXT)
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", str(tmp_path / "test.yaml"))
