"""The identity of a receiver, by which the ledger knows what it has accepted."""

import pytest

from syncd.config import Command, Credential, NotifyConfig, SecretFile, Topic, Variable
from syncd.monitoring.receiver import code_of

ON = (Topic.ALERT, Topic.IMAGE_HELD)
RECEIVER = NotifyConfig(url=SecretFile("/etc/syncd/hook"), on=ON, every=1.0, name="a")


def test_a_new_name_or_interval_or_order_of_topics_leaves_the_receiver_the_same() -> None:
    other = NotifyConfig(url=SecretFile("/etc/syncd/hook"), on=ON[::-1], every=9.0, name="b")
    assert code_of(other) == code_of(RECEIVER)


@pytest.mark.parametrize(
    "other",
    [
        NotifyConfig(url=SecretFile("/etc/syncd/other"), on=ON),
        NotifyConfig(url=Credential("/etc/syncd/hook"), on=ON),
        NotifyConfig(url=Variable("/etc/syncd/hook"), on=ON),
        NotifyConfig(url=Command(("/etc/syncd/hook",)), on=ON),
        NotifyConfig(command=("/etc/syncd/hook",), on=ON),
        NotifyConfig(url=SecretFile("/etc/syncd/hook"), on=(Topic.ALERT,)),
    ],
)
def test_another_source_or_topic_is_another_receiver(other: NotifyConfig) -> None:
    assert code_of(other) != code_of(RECEIVER)


def test_the_code_is_the_same_in_every_version() -> None:
    """A code that changes makes every receiver new: it loses what it has not accepted yet."""
    assert code_of(RECEIVER) == "1f5dd0d63de18080"
