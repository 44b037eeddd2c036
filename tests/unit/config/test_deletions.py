"""Deletions, the audit, and how mirrors get images, in the configuration."""

import pytest
from support.config_text import PATH, duration_fix, integer_fix, sentences

from syncd.config import (
    AuditConfig,
    Config,
    ConfigError,
    DeletionsConfig,
    FolderConfig,
)
from syncd.config.load import loads
from syncd.model import Copying, Deletions, FolderName, HoldAbove

FILE = """
ledger.path = "/l.db"
graph.token = {{ env = "SYNCD_TOKEN" }}
[accounts.main]
id = "act_1"
[accounts.eu]
id = "act_2"
[folders.spring]
path = "/srv/spring"
account = "main"
{lines}
"""
DAY = 24 * 3600
SHARE = "write a number from 0 to 1, without quotes, such as 0.1 for 10 %"
IMAGES = integer_fix(0, 1_000_000)
BOOLEAN = "write true or false, without quotes"
COPY = 'write one of "auto", "copy", "upload"'


def read(lines: str) -> Config:
    return loads(FILE.format(lines=lines), PATH, {})


def spring(config: Config) -> FolderConfig:
    return config.folders[FolderName("spring")]


def test_by_default_mirrors_cost_the_fewest_calls_and_images_are_kept() -> None:
    config = read("")
    folder = spring(config)
    assert (folder.copy, folder.deletions) == (Copying.AUTO, Deletions.KEEP)
    assert config.deletions == DeletionsConfig(DAY, HoldAbove(20, 0.1))
    assert config.audit == AuditConfig(every=DAY, restore=True)


def test_a_folder_can_set_how_its_mirrors_get_images() -> None:
    for copying in Copying:
        config = read(f'mirrors = ["eu"]\ncopy = "{copying.value}"')
        assert spring(config).copy is copying


def test_a_folder_without_mirrors_can_set_how_they_would_get_images() -> None:
    config = read('copy = "upload"')
    assert spring(config).copy is Copying.UPLOAD
    assert config.warnings == ()


def test_a_folder_that_propagates_deletions_causes_no_warning() -> None:
    config = read('deletions = "propagate"')
    assert spring(config).deletions is Deletions.PROPAGATE
    assert config.warnings == ()


def test_the_conditions_of_deletions_can_be_written_in_part() -> None:
    whole = '[deletions]\ngrace = "7d"\nhold_above = { images = 5, share = 0.02 }'
    assert read(whole).deletions == DeletionsConfig(7 * DAY, HoldAbove(5, 0.02))
    assert read('[deletions]\ngrace = "1h"').deletions == DeletionsConfig(3600, HoldAbove(20, 0.1))
    images = "[deletions]\nhold_above = { images = 5 }"
    assert read(images).deletions == DeletionsConfig(DAY, HoldAbove(5, 0.1))
    share = "[deletions.hold_above]\nshare = 0.5"
    assert read(share).deletions == DeletionsConfig(DAY, HoldAbove(20, 0.5))


@pytest.mark.parametrize(("written", "grace"), [("0s", 0), ("90m", 5400), ("90d", 90 * DAY)])
def test_a_grace_is_between_0_seconds_and_90_days(written: str, grace: float) -> None:
    assert read(f'[deletions]\ngrace = "{written}"').deletions.grace == grace


@pytest.mark.parametrize(
    ("images", "share", "terms"),
    [("0", "0", (0, 0.0)), ("1_000_000", "1", (1_000_000, 1.0)), ("20", "1.0", (20, 1.0))],
)
def test_the_limit_of_deletions_ranges_from_none_to_all(
    images: str, share: str, terms: tuple[int, float]
) -> None:
    config = read(f"[deletions]\nhold_above = {{ images = {images}, share = {share} }}")
    assert config.deletions.hold_above == HoldAbove(*terms)


def test_the_audit_can_be_written_in_part() -> None:
    assert read('[audit]\nevery = "1h"\nrestore = false').audit == AuditConfig(3600, restore=False)
    assert read("[audit]\nrestore = true").audit == AuditConfig(DAY, restore=True)
    assert read('[audit]\nevery = "1s"').audit == AuditConfig(1, restore=True)
    assert read('[audit]\nevery = "90d"').audit == AuditConfig(90 * DAY, restore=True)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('copy = "bytes"', f'folders.spring.copy: "bytes" is not a known value | {COPY}'),
        ("copy = true", f"folders.spring.copy: expected a string, got the boolean true | {COPY}"),
        (
            '[deletions]\ngrace = "91d"',
            f'deletions.grace: "91d" is out of range | {duration_fix("0s", "90d")}',
        ),
        (
            "[deletions]\ngrace = 0",
            (
                "deletions.grace: expected a string with a unit, got the integer 0"
                f" | {duration_fix('0s', '90d')}"
            ),
        ),
        (
            "[deletions]\nhold_above = 20",
            (
                "deletions.hold_above: expected a table, got the integer 20"
                " | write [deletions.hold_above]"
            ),
        ),
        (
            "[deletions]\nhold_above = { images = -1 }",
            f"deletions.hold_above.images: -1 is out of range | {IMAGES}",
        ),
        (
            "[deletions]\nhold_above = { images = 1_000_001 }",
            f"deletions.hold_above.images: 1000001 is out of range | {IMAGES}",
        ),
        (
            "[deletions]\nhold_above = { images = 0.1 }",
            f"deletions.hold_above.images: expected an integer, got the float 0.1 | {IMAGES}",
        ),
        (
            "[deletions]\nhold_above = { share = 1.01 }",
            f"deletions.hold_above.share: 1.01 is out of range | {SHARE}",
        ),
        (
            "[deletions]\nhold_above = { share = -0.1 }",
            f"deletions.hold_above.share: -0.1 is out of range | {SHARE}",
        ),
        (
            "[deletions]\nhold_above = { share = nan }",
            f"deletions.hold_above.share: nan is out of range | {SHARE}",
        ),
        (
            '[deletions]\nhold_above = { share = "10%" }',
            f"deletions.hold_above.share: expected a float, got a string | {SHARE}",
        ),
        (
            "[deletions]\nhold_above = { image = 20 }",
            (
                "deletions.hold_above.image: is not a known key"
                " | did you mean images? The known keys are images, share"
            ),
        ),
        (
            "[deletions]\nhold_over = { images = 20 }",
            (
                "deletions.hold_over: is not a known key"
                " | did you mean hold_above? The known keys are grace, hold_above"
            ),
        ),
        (
            '[audit]\nevery = "0s"',
            f'audit.every: "0s" is out of range | {duration_fix("1s", "90d")}',
        ),
        (
            '[audit]\nevery = "91d"',
            f'audit.every: "91d" is out of range | {duration_fix("1s", "90d")}',
        ),
        ('[audit]\nrestore = "no"', f"audit.restore: expected a boolean, got a string | {BOOLEAN}"),
        (
            "[audit]\nrestore = 0",
            f"audit.restore: expected a boolean, got the integer 0 | {BOOLEAN}",
        ),
        (
            "[audit]\nrestored = false",
            (
                "audit.restored: is not a known key"
                " | did you mean restore? The known keys are every, restore"
            ),
        ),
    ],
)
def test_a_mistake_is_reported_by_one_sentence(lines: str, problem: str) -> None:
    assert sentences(FILE.format(lines=lines)) == [problem]


def test_a_mistake_in_an_inline_table_has_the_line_of_its_key() -> None:
    with pytest.raises(ConfigError) as caught:
        read('[deletions]\ngrace = "1h"\nhold_above = { images = 20, share = 2 }')
    (problem,) = caught.value.problems
    assert problem.line == 13
