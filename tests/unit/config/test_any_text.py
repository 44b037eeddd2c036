"""Generated configuration files: each is either accepted or reported."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields
from support.config_text import problems, sentences

from syncd.config import (
    AccountConfig,
    AuditConfig,
    BatchConfig,
    DeletionsConfig,
    FolderConfig,
    GraphConfig,
    LedgerConfig,
    LogConfig,
    MetricsConfig,
    WatchConfig,
)

TOML_VALUE = st.recursive(
    st.sampled_from(["1", "-1", "1.5", "nan", "true", '""', '"/a"', '"2s"', '"act_1"', '"main"'])
    | st.sampled_from(["1979-05-27", "07:32:00", "'\\'", '"\\u2028"', "", "x", "[", "{"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | inner.map(lambda value: f"{{ file = {value} }}")
    ),
    max_leaves=4,
)
SHAPES = (
    GraphConfig,
    LedgerConfig,
    AccountConfig,
    FolderConfig,
    WatchConfig,
    BatchConfig,
    DeletionsConfig,
    AuditConfig,
    LogConfig,
    MetricsConfig,
)
KEYS = st.sampled_from([field.name for shape in SHAPES for field in fields(shape)]) | (
    st.sampled_from(["hold_above", "share"])
)
TABLES = st.sampled_from(
    ["", "[graph]", "[ledger]", "[accounts]", "[accounts.main]", "[folders.a]", "[[log]]", "[pack]"]
) | st.sampled_from(["[deletions]", "[deletions.hold_above]", "[audit]", "[metrics]", "[web]"])
FILES = st.lists(
    st.tuples(TABLES, st.lists(st.tuples(KEYS, TOML_VALUE).map(" = ".join), max_size=4)),
    max_size=5,
).map(lambda tables: "\n".join("\n".join([head, *body]) for head, body in tables))


@given(FILES | st.text())
def test_any_text_yields_a_configuration_or_a_report(text: str) -> None:
    assert all(problem.message and problem.fix for problem in problems(text))


def test_deep_nesting_and_long_numbers_are_reported_in_short() -> None:
    (report,) = sentences("x = " + "[" * 100_000)
    assert len(report) < 400
    assert len(sentences("x = " + "1" * 5000)) == 1
