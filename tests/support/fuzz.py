"""How many inputs a fuzz test generates: a few and the same ones each time, or many others."""

import os

from hypothesis import settings

EXPLORING = "EXPLORE" in os.environ

_MORE = 100
"""How many times as many inputs are generated with EXPLORE=1."""


def examples(few: int) -> settings:
    """Return the settings of a test that generates `few` inputs."""
    return settings(max_examples=few * (_MORE if EXPLORING else 1))


def load_profile() -> None:
    """Make every test of hypothesis repeatable, unless EXPLORE=1 is in the environment."""
    settings.register_profile(
        "syncd",
        deadline=None,  # no test depends on how busy the machine is
        derandomize=not EXPLORING,
    )
    settings.load_profile("syncd")
