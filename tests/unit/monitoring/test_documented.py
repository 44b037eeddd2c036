"""syncd-operation(7) documents each metric with its labels and its meaning, and no other."""

from syncd.man.blocks import Term
from syncd.man.topics import topics
from syncd.monitoring.metrics import METRICS


def test_the_manual_has_exactly_the_metrics_of_the_code() -> None:
    documented = {
        block.term: block.text
        for block in topics()["metrics"].blocks
        if isinstance(block, Term) and block.term.startswith(("`syncd_", "`process_"))
    }
    assert documented == {
        f"`{metric.name}{{{','.join(metric.labels)}}}`".replace("{}", ""): f"{metric.help}."
        for metric in METRICS
    }
