"""What the configuration says of deletions, the audit and how mirrors get images."""

from pathlib import Path

import pytest

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
DURATION = 'write a number and ms, s, m, h or d, such as "2s", "15m"; from'
SHARE = "write a share from 0 to 1, without quotes, such as 0.1 for a tenth"
IMAGES = "write a number from 0 to 1000000, without quotes"
TRUTH = "write true or false, without quotes"
COPY = 'write one of "auto", "copy", "upload"'


def read(lines: str) -> Config:
    return loads(FILE.format(lines=lines), Path("/etc/syncd/config.toml"), {})


def spring(config: Config) -> FolderConfig:
    return config.folders[FolderName("spring")]


def problems(lines: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(lines)
    return [f"{p.key}: {p.wrong} | {p.write}" for p in caught.value.problems]


def test_without_a_word_mirrors_cost_the_fewest_calls_and_images_are_kept() -> None:
    config = read("")
    folder = spring(config)
    assert (folder.copy, folder.deletions) == (Copying.AUTO, Deletions.KEEP)
    assert config.deletions == DeletionsConfig(DAY, HoldAbove(20, 0.1))
    assert config.audit == AuditConfig(every=DAY, restore=True)


def test_each_folder_says_how_its_mirrors_get_images() -> None:
    for copying in Copying:
        config = read(f'mirrors = ["eu"]\ncopy = "{copying.value}"')
        assert spring(config).copy is copying


def test_a_folder_without_mirrors_may_say_how_they_would() -> None:
    config = read('copy = "upload"')
    assert spring(config).copy is Copying.UPLOAD
    assert config.warnings == ()


def test_a_folder_that_propagates_deletions_is_nothing_to_warn_of() -> None:
    config = read('deletions = "propagate"')
    assert spring(config).deletions is Deletions.PROPAGATE
    assert config.warnings == ()


def test_the_terms_of_deletions_are_written_whole_or_in_part() -> None:
    whole = '[deletions]\ngrace = "7d"\nhold_above = { images = 5, share = 0.02 }'
    assert read(whole).deletions == DeletionsConfig(7 * DAY, HoldAbove(5, 0.02))
    assert read('[deletions]\ngrace = "1h"').deletions == DeletionsConfig(3600, HoldAbove(20, 0.1))
    images = "[deletions]\nhold_above = { images = 5 }"
    assert read(images).deletions == DeletionsConfig(DAY, HoldAbove(5, 0.1))
    share = "[deletions.hold_above]\nshare = 0.5"
    assert read(share).deletions == DeletionsConfig(DAY, HoldAbove(20, 0.5))


@pytest.mark.parametrize(("written", "grace"), [("0s", 0), ("90m", 5400), ("90d", 90 * DAY)])
def test_a_grace_is_from_nothing_to_90_days(written: str, grace: float) -> None:
    assert read(f'[deletions]\ngrace = "{written}"').deletions.grace == grace


@pytest.mark.parametrize(
    ("images", "share", "terms"),
    [("0", "0", (0, 0.0)), ("1_000_000", "1", (1_000_000, 1.0)), ("20", "1.0", (20, 1.0))],
)
def test_what_is_held_is_from_every_deletion_to_none(
    images: str, share: str, terms: tuple[int, float]
) -> None:
    config = read(f"[deletions]\nhold_above = {{ images = {images}, share = {share} }}")
    assert config.deletions.hold_above == HoldAbove(*terms)


def test_the_audit_is_written_whole_or_in_part() -> None:
    assert read('[audit]\nevery = "1h"\nrestore = false').audit == AuditConfig(3600, restore=False)
    assert read("[audit]\nrestore = true").audit == AuditConfig(DAY, restore=True)
    assert read('[audit]\nevery = "1s"').audit == AuditConfig(1, restore=True)
    assert read('[audit]\nevery = "90d"').audit == AuditConfig(90 * DAY, restore=True)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('copy = "bytes"', f'folders.spring.copy: is "bytes" | {COPY}'),
        ("copy = true", f"folders.spring.copy: is true | {COPY}"),
        (
            '[deletions]\ngrace = "91d"',
            f'deletions.grace: is "91d", out of range | {DURATION} 0s to 90d',
        ),
        (
            "[deletions]\ngrace = 0",
            f"deletions.grace: is the number 0, and its unit is not known | {DURATION} 0s to 90d",
        ),
        (
            "[deletions]\nhold_above = 20",
            "deletions.hold_above: is the number 20, not a table | write [deletions.hold_above]",
        ),
        (
            "[deletions]\nhold_above = { images = -1 }",
            f"deletions.hold_above.images: is -1 | {IMAGES}",
        ),
        (
            "[deletions]\nhold_above = { images = 1_000_001 }",
            f"deletions.hold_above.images: is 1000001 | {IMAGES}",
        ),
        (
            "[deletions]\nhold_above = { images = 0.1 }",
            f"deletions.hold_above.images: is the number 0.1, not a whole number | {IMAGES}",
        ),
        (
            "[deletions]\nhold_above = { share = 1.01 }",
            f"deletions.hold_above.share: is 1.01 | {SHARE}",
        ),
        (
            "[deletions]\nhold_above = { share = -0.1 }",
            f"deletions.hold_above.share: is -0.1 | {SHARE}",
        ),
        (
            "[deletions]\nhold_above = { share = nan }",
            f"deletions.hold_above.share: is nan | {SHARE}",
        ),
        (
            '[deletions]\nhold_above = { share = "10%" }',
            f"deletions.hold_above.share: is a text, not a share | {SHARE}",
        ),
        (
            "[deletions]\nhold_above = { image = 20 }",
            (
                "deletions.hold_above.image: is not known here"
                " | did you mean images? Known are images, share"
            ),
        ),
        (
            "[deletions]\nhold_over = { images = 20 }",
            (
                "deletions.hold_over: is not known here"
                " | did you mean hold_above? Known are grace, hold_above"
            ),
        ),
        (
            '[audit]\nevery = "0s"',
            f'audit.every: is "0s", out of range | {DURATION} 1s to 90d',
        ),
        (
            '[audit]\nevery = "91d"',
            f'audit.every: is "91d", out of range | {DURATION} 1s to 90d',
        ),
        ('[audit]\nrestore = "no"', f"audit.restore: is a text, not true or false | {TRUTH}"),
        ("[audit]\nrestore = 0", f"audit.restore: is the number 0, not true or false | {TRUTH}"),
        (
            "[audit]\nrestored = false",
            "audit.restored: is not known here | did you mean restore? Known are every, restore",
        ),
    ],
)
def test_a_mistake_gets_its_sentence(lines: str, problem: str) -> None:
    assert problems(lines) == [problem]


def test_the_line_of_a_mistake_in_what_is_held_is_that_of_its_key() -> None:
    with pytest.raises(ConfigError) as caught:
        read('[deletions]\ngrace = "1h"\nhold_above = { images = 20, share = 2 }')
    (problem,) = caught.value.problems
    assert problem.line == 13
