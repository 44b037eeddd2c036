"""The example queries use only names of the catalogue, and refer to each other correctly."""

import re
from typing import Any

import pytest
from support.queries import FILES, Query, alerts, every_query, examples, vector_of, wrong_with

TEXTS = examples()
README, SCRIPT, RULES, VECTOR = FILES
QUERIES = every_query(TEXTS)
CONFIG = vector_of(TEXTS[VECTOR])
ALERTS = alerts(TEXTS[RULES])


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_a_query_uses_only_names_of_the_catalogue(query: Query) -> None:
    assert wrong_with(query) == []


@pytest.mark.parametrize(
    ("event", "field", "level"),
    [("stats", "paused_for", None), (None, None, "error"), ("stats.process", None, None)],
    ids=["paused over 1 h", "errors", "no stats for 5 min"],
)
@pytest.mark.parametrize(
    "place", ["README: journalctl", r"README: .*\{service=", "journal.sh", "alert ", "route "]
)
def test_each_question_has_a_query_in_each_language(
    place: str, event: str | None, field: str | None, level: str | None
) -> None:
    queries = [query for query in QUERIES if re.match(place, query.where)]
    assert any(
        (event is None or event in query.events)
        and (field is None or field in query.fields)
        and (level is None or level in query.levels)
        for query in queries
    )


@pytest.mark.parametrize(
    ("file", "right", "other", "wrong"),
    [
        (README, "SYNCD_EVENT=stats.process", "SYNCD_EVENT=stats.proces", "no event stats.proces"),
        (README, ".SYNCD_PAUSED_FOR", ".SYNCD_PAUSED_AT", "the field paused_at"),
        (README, "-p err", "-p fatal", "no level fatal"),
        (README, 'event="stats"', 'event="scan.done"', "the field paused_for"),
        (README, "error|critical", "error|crit", "no level crit"),
        (SCRIPT, "SYNCD_EVENT=daemon.started", "SYNCD_EVENT=started", "no event started"),
        (SCRIPT, ".SYNCD_WHY", ".SYNCD_REASON", "the field reason"),
        (SCRIPT, "--priority=err", "--priority=alert", "no level alert"),
        (RULES, "unwrap paused_for", "unwrap paused_at", "the field paused_at"),
        (RULES, 'event="stats.process"', 'event="stats.proces"', "no event stats.proces"),
        (RULES, "(host, unit, account, state)", "(host, unit, acct, state)", "the field acct"),
        (RULES, "json event, level, account,", "json event, level, acct,", "the field acct"),
        (RULES, 'state="SYNCD_STATE"', 'state="SYNCD_STATES"', "the field states"),
        (RULES, 'event="stats" |', 'event="stats" | level="error" |', "the level error"),
        (VECTOR, '.event == "stats"', '.event == "status"', "no event status"),
        (VECTOR, "to_float(.paused_for)", "to_float(.paused)", "the field paused"),
        (VECTOR, '"critical"], .level', '"fatal"], .level', "no level fatal"),
        (VECTOR, '"daemon.stopped"], .event', '"daemon.ended"], .event', "no event daemon.ended"),
        (VECTOR, '~= "daemon.stopped"', '~= "daemon.ended"', "no event daemon.ended"),
        (VECTOR, '"budget_used", ', '"budget_spent", ', "the field budget_spent"),
        (VECTOR, "{{ account }}", "{{ acct }}", "the field acct"),
        (VECTOR, "SYNCD_STATE =", "SYNCD_STATUS =", "the field status"),
        (VECTOR, "assert_eq!(.memory_mb", "assert_eq!(.memory", "the field memory"),
        (VECTOR, '(.event, "account.stopped")', '(.event, "a.stopped")', "no event a.stopped"),
    ],
)  # fmt: skip
def test_a_wrong_name_in_a_query_is_found(file: str, right: str, other: str, wrong: str) -> None:
    assert right in TEXTS[file]
    changed = {**TEXTS, file: TEXTS[file].replace(right, other)}
    problems = [what for query in every_query(changed) for what in wrong_with(query)]
    assert any(wrong in what for what in problems), problems


def outputs() -> set[str]:
    """Return the components of Vector's configuration that have an output."""
    routes = {f"watch.{name}" for name in CONFIG["transforms"]["watch"]["route"]}
    return {*CONFIG["sources"], *CONFIG["transforms"], *routes}


@pytest.mark.parametrize("part", [*CONFIG["transforms"].values(), *CONFIG["sinks"].values()])
def test_the_inputs_of_vectors_components_exist(part: dict[str, Any]) -> None:
    assert set(part["inputs"]) <= outputs()


def test_every_output_in_vectors_configuration_is_used() -> None:
    read = {
        name
        for part in (*CONFIG["transforms"].values(), *CONFIG["sinks"].values())
        for name in part["inputs"]
    }
    assert read >= outputs() - {"watch"}


@pytest.mark.parametrize("test", CONFIG["tests"], ids=lambda test: test["name"])
def test_vectors_own_tests_refer_to_its_components(test: dict[str, Any]) -> None:
    assert {given["insert_at"] for given in test["inputs"]} <= set(CONFIG["transforms"])
    extracted = (output["extract_from"] for output in test.get("outputs", []))
    seen = {*extracted, *test.get("no_outputs_from", [])}
    assert seen
    assert seen <= outputs()


def test_the_queried_stream_is_the_one_that_vector_sends() -> None:
    texts = [*(alert["expr"] for alert in ALERTS), TEXTS[README]]
    streams = {stream for text in texts for stream in re.findall(r"\{(service[^}]*)\}", text)}
    labels = CONFIG["sinks"]["loki"]["labels"]
    assert streams == {f'{name}="{value}"' for name, value in labels.items()}


def test_vectors_configuration_needs_no_dangerous_option() -> None:
    # Since 0.57, Vector rejects a sink's template that begins with a field, and variables.
    assert "$" not in TEXTS[VECTOR]
    assert not re.findall(r"['\"]\{\{", str(CONFIG["sinks"]))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_has_the_form_of_a_loki_rule(alert: dict[str, Any]) -> None:
    assert set(alert) <= {"alert", "expr", "for", "labels", "annotations"}
    labels = {
        name for by in re.findall(r"by \(([^)]*)\)", alert["expr"]) for name in by.split(", ")
    }
    used = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
    assert used <= labels, "the aggregation drops a label of the summary"
    assert alert["expr"].count("(") == alert["expr"].count(")")
