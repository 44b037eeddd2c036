"""Metrics in the text format of Prometheus, as values by name and labels."""

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

Labels = dict[str, str]


class Samples:
    """The samples of a scrape."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of the series with exactly these labels; None if it is missing."""
        return self._values.get((name, frozenset(labels.items())))

    def series(self, name: str) -> list[tuple[Labels, float]]:
        """Return the labels and values of all series of that name."""
        return [(dict(labels), v) for (known, labels), v in self._values.items() if known == name]

    def names(self) -> set[str]:
        return {name for name, _ in self._values}


def promtool(*words: str, stdin: str = "") -> str:
    """Run promtool and return its output; fail if it reports a mistake."""
    if shutil.which("promtool") is None:
        pytest.skip("NOT TESTED: promtool is not installed (apt-get install prometheus)")
    ended = subprocess.run(
        ["promtool", *words], input=stdin, capture_output=True, text=True, check=False
    )
    output = ended.stdout + ended.stderr
    assert ended.returncode == 0, output
    return output
