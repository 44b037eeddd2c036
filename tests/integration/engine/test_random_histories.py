"""Random histories, compared with a model."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from support.history.machine import HistoryMachine

# Each run makes the same few histories; EXPLORE=1 in the environment makes many random ones. These
# are not shrunk: the moments of a history depend on the machine, so that a shorter one may pass.
HistoryMachine.TestCase.settings = settings(
    max_examples=200 if "EXPLORE" in os.environ else 12,
    derandomize="EXPLORE" not in os.environ,
    stateful_step_count=20,
    phases=(Phase.generate,) if "EXPLORE" in os.environ else tuple(Phase),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.timeout(7200 if "EXPLORE" in os.environ else 300)  # 20 s on an idle machine
class TestHistories(HistoryMachine.TestCase):  # type: ignore[misc,valid-type]  # made at run time
    """Runs the random histories."""
