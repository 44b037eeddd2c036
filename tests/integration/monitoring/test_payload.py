"""The JSON of a notification is what syncd-operation(7) shows."""

import json
import re
import socket
from pathlib import Path

from msgspec.structs import fields

import syncd
from syncd import __version__
from syncd.config import Topic
from syncd.ledger.alerts import Alert
from syncd.ledger.history import What
from syncd.ledger.history_rows import Row
from syncd.ledger.receivers import KnownAlert
from syncd.logs.catalogue import CATALOGUE
from syncd.model import AccountId
from syncd.monitoring.entries import (
    BackfillEntry,
    Entry,
    Names,
    alert_entry,
    image_entry,
    recovered_entry,
    whats,
)
from syncd.monitoring.transport import payload

MANUAL = Path(syncd.__file__).with_name("man") / "operation.md"
SECTION = MANUAL.read_text().partition("# Notifications and pings\n")[2].partition("\n# ")[0]
AT = 1795893229.0
NAMES = Names({AccountId("1234567890"): "main"}, {b"/srv/spring": "spring"})

ROW = Row(
    id=7,
    at=int(AT),
    what=What.UPLOADED,
    account=AccountId("1234567890"),
    digest=bytes.fromhex("289c07291633"),
    hash="6b3f3633d37b",
    root=b"/srv/spring",
    path=b"teaser.jpg",
    why=None,
    user=None,
)
ALERT = Alert(
    since=AT + 1,
    event="account.stopped",
    subject="accounts.main",
    why="the token of main, eu was rejected",
    remedy="run sudo syncd token set",
    accounts=("main", "eu"),
)


def test_the_manual_shows_the_json_of_a_notification() -> None:
    known = KnownAlert(ALERT.event, ALERT.subject, ALERT.since)
    entries: list[Entry] = [
        image_entry(ROW, NAMES),
        alert_entry(ALERT),
        recovered_entry(known, AT + 601),
    ]
    made = json.dumps(json.loads(payload(entries)), indent=2)
    made = made.replace(f'"{socket.gethostname()}"', '"web1"', 1).replace(__version__, "0.1.0", 1)
    (shown,) = re.findall(r"```\n(\{.*?\n\})\n```", SECTION, re.DOTALL)
    assert shown == made


def test_the_manual_has_every_topic_and_every_field() -> None:
    for topic in Topic:
        assert f"`{topic}`" in SECTION, topic
    for name in fields(BackfillEntry):
        assert f"`{name.name}`" in SECTION or f'"{name.name}"' in SECTION, name.name


def test_a_field_that_the_log_has_too_has_the_same_name() -> None:
    logged = {event.name: set(event.fields) for event in CATALOGUE}
    shown = {field.name for field in fields(BackfillEntry)} - {"on", "event", "timestamp"}
    assert shown <= logged["backfill.done"]
    assert logged["image.held"] <= {field.name for field in fields(image_entry(ROW, NAMES))}


def test_a_copied_or_restored_image_is_held_and_a_rejected_one_has_its_reason() -> None:
    assert whats(frozenset({Topic.IMAGE_HELD})) == (What.UPLOADED, What.COPIED, What.RESTORED)
    assert whats(frozenset({Topic.IMAGE_REJECTED})) == (What.REJECTED,)
    assert whats(frozenset({Topic.ALERT})) == ()


def test_names_are_printable_and_those_of_former_accounts_and_folders_are_ids() -> None:
    odd = Row(
        id=7,
        at=int(AT),
        what=What.REJECTED,
        account=AccountId("99"),
        digest=None,
        hash=None,
        root=b"/gone",
        path=b"a\n\xff.jpg",
        why="not a picture",
        user=None,
    )
    entry = image_entry(odd, NAMES)
    assert (entry.on, entry.account, entry.id, entry.folder) == (
        Topic.IMAGE_REJECTED,
        "act_99",
        "99",
        None,
    )
    assert entry.file == "/gone/a\\x0a\\xff.jpg"
    assert entry.name == "a\\x0a\\xff.jpg"
