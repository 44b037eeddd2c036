"""The metrics: what each one shows of the figures, and the formats that Prometheus reads."""

from dataclasses import dataclass

import msgspec
import pytest
from support.exposition import Samples, promtool

from syncd.monitoring.exposition import metrics_page, textfile
from syncd.monitoring.figures import (
    AccountFigures,
    Figures,
    FolderFigures,
    Histogram,
    Resources,
)
from syncd.monitoring.metrics import METRICS, Kind

ACCOUNT = AccountFigures(
    name="main",
    images={"held": 5, "missing": 3, "rejected": 1, "in_flight": 2},
    calls={("upload", "ok"): 7, ("read", "error"): 1},
    uploaded_bytes=123,
    uploads=Histogram((0.5, 10.0), (4, 2, 1), 31.5),
    budget_used={"points": 0.25, "calls": 0.5},
    state="paused",
    paused_for=60.0,
    oldest_missing_for=90.0,
    forecast=3600.0,
    token_expires_at=2e9,
)
OTHER = msgspec.structs.replace(
    ACCOUNT, name="eu-1.x", state="stopped", forecast=None, token_expires_at=None
)
FIGURES = Figures(
    version="1.2",
    python="3.11",
    is_ready=True,
    counted_at=1.5e9,
    accounts=[ACCOUNT, OTHER],
    folders=[
        FolderFigures("spring", 12.0, {"hidden": 2, "extension": 9}),
        FolderFigures("new", None, {}),
    ],
    alerts={"account.stopped": 1},
    dropped=4,
    resources=Resources(
        started_at=1.4e9, cpu=2.5, memory=10_000, descriptors=20, most_descriptors=1024
    ),
)
EMPTY = Figures(
    version="1.2",
    python="3.11",
    is_ready=False,
    counted_at=None,
    accounts=[],
    folders=[],
    alerts={},
    dropped=0,
    resources=Resources(
        started_at=1.4e9, cpu=0.0, memory=None, descriptors=None, most_descriptors=1024
    ),
)


def text(figures: Figures = FIGURES, accept: str = "") -> str:
    return metrics_page(figures, accept).content.decode()


@dataclass
class Case:
    """A series by its name and labels, and its value; None: it is absent."""

    name: str
    labels: dict[str, str]
    value: float | None


CASES = [
    Case("syncd_build_info", {"version": "1.2", "python": "3.11"}, 1),
    Case("syncd_ready", {}, 1),
    Case("syncd_counted_timestamp_seconds", {}, 1.5e9),
    Case("syncd_images", {"account": "main", "state": "held"}, 5),
    Case("syncd_images", {"account": "main", "state": "in_flight"}, 2),
    Case("syncd_images", {"account": "eu-1.x", "state": "missing"}, 3),
    Case("syncd_oldest_missing_seconds", {"account": "main"}, 90),
    Case("syncd_forecast_seconds", {"account": "main"}, 3600),
    Case("syncd_forecast_seconds", {"account": "eu-1.x"}, None),
    Case("syncd_account_state", {"account": "main", "state": "paused"}, 1),
    Case("syncd_account_state", {"account": "main", "state": "open"}, 0),
    Case("syncd_account_state", {"account": "eu-1.x", "state": "stopped"}, 1),
    Case("syncd_paused_seconds", {"account": "main"}, 60),
    Case("syncd_budget_used_ratio", {"account": "main", "window": "points"}, 0.25),
    Case("syncd_budget_used_ratio", {"account": "main", "window": "calls"}, 0.5),
    Case("syncd_token_expiry_timestamp_seconds", {"account": "main"}, 2e9),
    Case("syncd_token_expiry_timestamp_seconds", {"account": "eu-1.x"}, None),
    Case("syncd_calls_total", {"account": "main", "kind": "upload", "outcome": "ok"}, 7),
    Case("syncd_calls_total", {"account": "main", "kind": "read", "outcome": "error"}, 1),
    Case("syncd_uploaded_bytes_total", {"account": "main"}, 123),
    Case("syncd_upload_duration_seconds_bucket", {"account": "main", "le": "0.5"}, 4),
    Case("syncd_upload_duration_seconds_bucket", {"account": "main", "le": "10.0"}, 6),
    Case("syncd_upload_duration_seconds_bucket", {"account": "main", "le": "+Inf"}, 7),
    Case("syncd_upload_duration_seconds_count", {"account": "main"}, 7),
    Case("syncd_upload_duration_seconds_sum", {"account": "main"}, 31.5),
    Case("syncd_scan_age_seconds", {"folder": "spring"}, 12),
    Case("syncd_scan_age_seconds", {"folder": "new"}, None),
    Case("syncd_skipped_files", {"folder": "spring", "reason": "extension"}, 9),
    Case("syncd_alerts", {"event": "account.stopped"}, 1),
    Case("syncd_alerts", {"event": "token.expiring"}, 0),
    Case("syncd_log_dropped_total", {}, 4),
    Case("process_cpu_seconds_total", {}, 2.5),
    Case("process_resident_memory_bytes", {}, 10_000),
    Case("process_open_fds", {}, 20),
    Case("process_max_fds", {}, 1024),
    Case("process_start_time_seconds", {}, 1.4e9),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}{case.labels}")
def test_a_series_has_the_value_of_its_figure(case: Case) -> None:
    assert Samples(text()).value(case.name, **case.labels) == case.value


def test_every_metric_has_a_case() -> None:
    tested = {case.name for case in CASES}
    suffix = {Kind.HISTOGRAM: "_count"}
    assert {metric.name + suffix.get(metric.kind, "") for metric in METRICS} <= tested


def test_each_metric_has_its_type_its_labels_and_its_meaning() -> None:
    families = Samples(text()).families
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert family.type == metric.kind.value
        assert family.documentation == metric.help
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == set(metric.labels), metric.name


def test_a_figure_that_is_not_known_has_no_series() -> None:
    names = Samples(text(EMPTY)).names()
    assert names == {
        "syncd_build_info", "syncd_ready", "syncd_log_dropped_total", "process_cpu_seconds_total",
        "process_max_fds", "process_start_time_seconds", "syncd_alerts",
    }  # fmt: skip


def test_openmetrics_is_served_to_a_client_that_asks_for_it() -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    page = metrics_page(FIGURES, accept)
    assert page.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert page.content.endswith(b"# EOF\n")
    assert metrics_page(FIGURES, "*/*").content_type.startswith("text/plain; version=0.0.4")


def test_the_file_for_node_exporter_has_no_metrics_of_that_name_in_node_exporter() -> None:
    names = Samples(textfile(FIGURES).decode()).names()
    assert names == {name for name in Samples(text()).names() if name.startswith("syncd_")}


@pytest.mark.prometheus
def test_promtool_finds_no_mistake_in_the_metrics() -> None:
    assert promtool("check", "metrics", stdin=text()) == ""
