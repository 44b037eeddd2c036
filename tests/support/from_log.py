"""The output of `syncd status --json`, reconstructed from the log's JSON lines alone.

The stats records give a whole state; later events change it.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from syncd.logs.catalogue import CATALOGUE

State = dict[str, Any]

Need = tuple[str, str, str]
"""An event, its subject by its name in the configuration, and a part of the subject."""

ENDS = {event.name: event.ended_by for event in CATALOGUE}
FROM_STATS = ("account.paused", "account.stopped", "file.")
"""Prefixes of events whose needs are derived from the stats records instead."""

NOT_THERE = "not there"
"""The doubt that the ledger records for a missing folder."""


def from_log(lines: Iterable[str], now: float) -> State:
    """Return the state at `now`, in unix seconds, from the lines of the log."""
    replay = _Replay()
    for line in lines:
        if line.startswith("{") and line.endswith("}"):  # a killed process may leave half a line
            replay.add(json.loads(line))
    return replay.state(now)


def from_status(printed: str) -> State:
    """Return the output of `syncd status --json`; times are numbers, and counts are by reason."""
    status = json.loads(printed)
    for account in status["accounts"].values():
        for field in ("rejections", "troubles"):
            account[field] = _by_reason(account[field])
        if (pause := account["pause"]) is not None:
            pause["since"], pause["until"] = _unix(pause["since"]), _unix(pause["until"])
        account["failing_since"] = _unix(account["failing_since"])
        account["missing_since"] = _unix(account["missing_since"])
        for learned in account["limitations"]:
            learned["since"] = _unix(learned["since"])
            learned["retry_at"] = _unix(learned["retry_at"])
    for folder in status["folders"].values():
        for field in ("unreadable", "unfinished", "skipped"):
            folder[field] = _by_reason(folder[field])
        folder["scanned_at"] = _unix(folder["scanned_at"])
    needs = sorted({(need["event"], need["subject"]) for need in status["needs_you"]})
    return {"needs": needs, "accounts": status["accounts"], "folders": status["folders"]}


class _Replay:
    """The state after the records added so far."""

    def __init__(self) -> None:
        self.accounts: dict[str, State] = {}
        self.folders: dict[str, State] = {}
        self._needs: set[Need] = set()
        self._listed: set[tuple[str, str]] | None = None  # in stats since then

    def add(self, record: State) -> None:
        self._add_needs(record)
        match record["event"].split("."):
            case ["stats"]:
                self.accounts[record["account"]] = _account(record)
                self._list("account", record["account"])
            case ["stats", "folder"]:
                self.folders[record["folder"]] = _folder(record)
                self._list("folder", record["folder"])
            case ["stats", "process"]:
                self._forget_unlisted()
            case ["daemon", "started" | "reloaded"]:
                self._listed = set()
                for account in self.accounts.values():
                    _end_stop(account)  # each is retried
            case ["account", event] if record["account"] in self.accounts:
                _update_account(self.accounts[record["account"]], event, record)
            case ["token", "changed"] if record["account"] in self.accounts:
                _end_stop(self.accounts[record["account"]])
            case ["folder", "retired"]:
                self.folders.pop(record["folder"], None)
            case ["folder" | "deletions" | "images" | "scan" as subject, event] if (
                record["folder"] in self.folders
            ):
                _update_folder(self.folders[record["folder"]], f"{subject}.{event}", record)

    def state(self, now: float) -> State:
        accounts = {name: dict(account) for name, account in self.accounts.items()}
        for account in accounts.values():
            pause = account["pause"]
            if pause is not None and pause["until"] is not None and pause["until"] < now:
                account["pause"] = None
        needs = {(event, subject) for event, subject, _ in self._needs}
        for name, account in accounts.items():
            if (pause := account["pause"]) is not None and pause["remedy"] is not None:
                event = "account.stopped" if pause["until"] is None else "account.paused"
                needs.add((event, f"accounts.{name}"))
        needs |= {
            ("file.unreadable", f"folders.{name}")
            for name, folder in self.folders.items()
            if folder["unreadable"]
        }
        return {"needs": sorted(needs), "accounts": accounts, "folders": self.folders}

    def _add_needs(self, record: State) -> None:
        event = record["event"]
        subject = f"folders.{record['folder']}" if "folder" in record else "config"
        if "account" in record:
            subject = f"accounts.{record['account']}"
        part = record.get("path", "") if event.startswith("directory.") else ""
        if event == "folder.retired":
            self._needs = {need for need in self._needs if need[1] != subject}
        if event in {"daemon.started", "daemon.reloaded"}:
            self._needs = {need for need in self._needs if need[0] != "config.refused"}
        self._needs = {
            need
            for need in self._needs
            if event not in ENDS[need[0]] or need[1:] != (subject, part)
        }
        if record["level"] == "error" and ENDS[event] and not event.startswith(FROM_STATS):
            self._needs.add((event, subject, part))

    def _list(self, kind: str, name: str) -> None:
        if self._listed is not None:
            self._listed.add((kind, name))

    def _forget_unlisted(self) -> None:
        """Remove accounts and folders that the first stats after a start or reload do not list."""
        if self._listed is None:
            return
        self.accounts = {n: a for n, a in self.accounts.items() if ("account", n) in self._listed}
        self.folders = {n: f for n, f in self.folders.items() if ("folder", n) in self._listed}
        self._listed = None


def _account(record: State) -> State:
    fields = ("id", "wanted", "held", "missing", "rejected", "sync", "rejections", "troubles")
    pause = None
    if record["paused_since"] is not None:
        pause = _pause(
            record, record["kind"], record["why"], record["paused_since"], record["paused_until"]
        )
    failing_since = _unix(record["failing_since"])
    limitations = [
        {**one, "since": _unix(one["since"]), "retry_at": _unix(one["retry_at"])}
        for one in record["limitations"]
    ]
    return {
        **{f: record[f] for f in fields},
        "pause": pause,
        "failing_since": failing_since,
        "missing_since": _unix(record["missing_since"]),
        "limitations": limitations,
    }


def _folder(record: State) -> State:
    counts = ("unreadable", "unfinished", "skipped")
    fields = ("path", "files", "doubt", "trouble", *counts, "deletions_held")
    scanned_at = _unix(record["scanned_at"])
    return {**{field: record[field] for field in fields}, "scanned_at": scanned_at}


def _update_account(account: State, event: str, record: State) -> None:
    match event:
        case "paused":
            kind, why = record["kind"], record["why"]
            account["pause"] = _pause(record, kind, why, record["since"], record["until"])
        case "stopped":
            why = f"{record['kind']}: {record['why']}"
            account["pause"] = _pause(
                {**record, "consecutive": 1}, "stop", why, record["since"], None
            )
        case "resumed":
            account["pause"] = None
        case "retried":
            _end_stop(account)
        case "failing":
            account["failing_since"] = _unix(record["since"])
        case "recovered":
            account["failing_since"] = None


def _update_folder(folder: State, event: str, record: State) -> None:
    match event:
        case "folder.missing":
            folder["doubt"] = NOT_THERE
        case "folder.suspect":
            folder["doubt"] = record["why"]
        case "folder.trusted":
            folder["doubt"] = None
        case "deletions.held":
            folder["deletions_held"] = record["images"]
        case "deletions.settled":
            folder["deletions_held"] = 0
        case "images.marked" if folder["deletions_held"]:
            folder["deletions_held"] += record["images"]  # held with the others
        case "scan.done":
            folder["trouble"] = record["trouble"]
            folder["skipped"] = record["skipped"]
            folder["scanned_at"] = _unix(record["scanned_at"]) or folder["scanned_at"]


def _pause(record: State, kind: str, why: str, since: str, until: str | None) -> State:
    row = record["consecutive"]
    return {
        "kind": kind,
        "why": why,
        "since": _unix(since),
        "until": _unix(until),
        "consecutive": row,
        "remedy": record["remedy"],
    }


def _end_stop(account: State) -> None:
    pause = account["pause"]
    if pause is not None and (pause["until"] is None or pause["kind"] == "usage"):
        account["pause"] = None


def _by_reason(counts: list[State]) -> dict[str, int]:
    return {count["why"]: count["count"] for count in counts}


def _unix(at: str | None) -> float | None:
    return None if at is None else datetime.fromisoformat(at).timestamp()
