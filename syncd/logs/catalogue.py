"""Every event of the log: its name, levels and fields, when it comes, what to do about it.

The README's table is made from this (`python -m syncd.man`), `syncd events` prints it,
and the tests hold it against every call of the log in the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["debug", "info", "notice", "warning", "error", "critical"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Name and fields are stable: programs may rely on them."""

    name: str
    levels: tuple[Level, ...]
    fields: tuple[str, ...]  # sorted; beside timestamp, level and event, which each record has
    when: str
    remedy: str = ""  # where a person must act
    ended_by: tuple[str, ...] = ()  # of a state that it begins: each has the `duration`


CATALOGUE = (
    Event(
        "account.batching_off",
        ("warning",),
        ("account",),
        "the account refuses every POST of several images; it gets one a POST, and is tried again"
        " every six hours",
        ended_by=("account.batching_restored",),
    ),
    Event(
        "account.batching_restored",
        ("notice",),
        ("account", "duration"),
        "the account took a POST of several images again",
    ),
    Event(
        "account.failing",
        ("warning",),
        ("account", "why"),
        "the first call failed for a passing reason; it is tried again, slower each time",
        ended_by=("account.recovered",),
    ),
    Event(
        "account.paused",
        ("info", "warning", "error"),
        (
            "account",
            "consecutive",
            "kind",
            "remedy",
            "seconds",
            "since",
            "until",
            "why",
        ),
        "the account is throttled: nothing goes to it meanwhile. warning when it begins, error when"
        " Meta calls it abuse, info when it goes on; `remedy` is null but for abuse",
        "on error, what the field `remedy` says; else nothing",
        ended_by=("account.resumed",),
    ),
    Event(
        "account.recovered",
        ("notice",),
        ("account", "duration", "failed_calls"),
        "a call went through after some that failed; `failed_calls` counts this process's",
    ),
    Event(
        "account.resumed",
        ("notice",),
        ("account", "duration"),
        "the first call after a pause went through",
    ),
    Event(
        "account.retried",
        ("notice",),
        ("account", "duration"),
        "a stop was lifted, by `syncd retry`, a start or a reload: the account is tried again",
    ),
    Event(
        "account.stopped",
        ("error",),
        ("account", "kind", "remedy", "since", "why"),
        "token or rights are refused: nothing goes to the account",
        "what the field `remedy` says",
        ended_by=("account.retried", "token.changed"),
    ),
    Event(
        "account.tier",
        ("notice",),
        ("account", "tier"),
        "the headers say that the account has another tier than was believed: its budget is that"
        " one's now",
    ),
    Event(
        "audit.done",
        ("info",),
        ("account", "gone", "images", "internal", "renamed", "seconds", "total", "unknown"),
        "what the ledger believes an account holds was compared with what it says; `total` and"
        " `unknown` are null unless the whole account was listed (`syncd audit --everything`)",
    ),
    Event(
        "audit.interrupted",
        ("info",),
        ("account", "why"),
        "an audit was interrupted by an error; it goes on at its next turn",
    ),
    Event(
        "clock.jumped",
        ("warning",),
        ("seconds",),
        "the wall clock was set, by so much; the grace of deletions under way is moved with it",
    ),
    Event(
        "config.accepted",
        ("notice",),
        ("duration",),
        "a configuration came that is good, after one that was refused",
    ),
    Event(
        "config.refused",
        ("error",),
        ("remedy", "why"),
        "SIGHUP came, and the configuration or every token is wrong: nothing has changed;"
        " a start is over it as well",
        "what the field `remedy` says",
        ended_by=("config.accepted",),
    ),
    Event(
        "config.warning",
        ("warning",),
        ("why",),
        "something in the configuration is odd, and works all the same",
    ),
    Event(
        "copies.accepted",
        ("notice",),
        ("account", "duration", "source"),
        "the account copied an image out of `source` again",
    ),
    Event(
        "copies.refused",
        ("warning",),
        ("account", "source", "why"),
        "the account may not copy images out of `source`; its images come as bytes, and it is"
        " tried again later",
        ended_by=("copies.accepted",),
    ),
    Event(
        "daemon.crashed",
        ("critical",),
        ("remedy", "traceback", "why"),
        "a bug has ended the process, with 70",
        "what the field `remedy` says",
    ),
    Event(
        "daemon.cut_off",
        ("warning",),
        ("seconds",),
        "calls under way had not ended in time at a stop or reload; what they brought is sent"
        " again, which is harmless",
    ),
    Event(
        "daemon.failed",
        ("error",),
        ("remedy", "why"),
        "the process ends because something is in its way: the ledger, the disk, a right",
        "what the field `remedy` says",
    ),
    Event(
        "daemon.reloaded",
        ("notice",),
        ("changes", "config"),
        "everything works by the new configuration; the folders are about to be read",
    ),
    Event(
        "daemon.reloading",
        ("notice",),
        (),
        "SIGHUP came, and the new configuration is good: calls under way end, nothing new begins",
    ),
    Event(
        "daemon.started",
        ("notice",),
        ("accounts", "config", "folders", "ledger"),
        "the ledger is open, the folders are about to be read",
    ),
    Event("daemon.stopped", ("notice",), (), "everything is closed"),
    Event(
        "daemon.stopping",
        ("notice",),
        ("signal",),
        "a signal came: calls under way end, nothing new begins",
    ),
    Event(
        "deletion.unconfirmed",
        ("info",),
        ("account", "file", "hash"),
        "the account took an image's deletion, and lists it still; it is asked again, seldomer"
        " each time",
    ),
    Event(
        "deletion.withdrawn",
        ("info",),
        ("file", "folder"),
        "a file wants a condemned image again: it stays",
    ),
    Event(
        "deletions.held",
        ("error",),
        ("files", "folder", "images", "remedy"),
        "too many images would leave the accounts at once; none does until a person has decided",
        "look with `syncd deletions`, then approve or dismiss, as the field `remedy` says",
        ended_by=("deletions.settled",),
    ),
    Event(
        "deletions.settled",
        ("notice",),
        ("duration", "folder", "why"),
        "no deletion of the folder waits for a person any more: approved, dismissed, or nothing is"
        " left to decide, as `why` says",
    ),
    Event(
        "directory.readable",
        ("notice",),
        ("duration", "folder", "path"),
        "a directory that could not be read can be, or is no more",
    ),
    Event(
        "directory.unreadable",
        ("error",),
        ("folder", "path", "remedy", "why"),
        "a directory cannot be read; nothing in the folder is believed to be gone",
        "what the field `remedy` says; the next scan finds that",
        ended_by=("directory.readable",),
    ),
    Event(
        "error.uncaught",
        ("critical",),
        ("remedy", "traceback", "where", "why"),
        "a bug, in a thread or somewhere else where it ends nothing",
        "what the field `remedy` says",
    ),
    Event("file.gone", ("debug",), ("file",), "a file went before it was read"),
    Event(
        "file.known",
        ("info",),
        ("file", "sha256"),
        "a file came whose image every account has already: renamed, moved or a duplicate; no call",
    ),
    Event(
        "file.readable",
        ("notice",),
        ("duration", "file"),
        "a file that could not be read was read",
    ),
    Event(
        "file.rejected",
        ("warning",),
        ("file", "sha256", "why"),
        "a file is no image that the API takes; it costs no call",
        "save it as what `why` asks for, or take it out of the folder",
    ),
    Event(
        "file.unreadable",
        ("error",),
        ("file", "remedy", "why"),
        "a file cannot be read; it is tried again at every scan, and forgotten when it goes",
        "what the field `remedy` says",
        ended_by=("file.readable",),
    ),
    Event(
        "files.missing",
        ("info",),
        ("condemned", "files", "folder", "why"),
        "files that a scan no longer found, and that are believed to be gone; `condemned` images"
        " were held for them alone, and leave the accounts after the grace: none unless the"
        " folder's deletions are propagated",
    ),
    Event(
        "folder.back",
        ("notice",),
        ("duration", "folder", "path"),
        "a folder that was missing is there",
    ),
    Event(
        "folder.missing",
        ("warning",),
        ("folder", "path", "remedy"),
        "there is no such directory; it is waited for, and nothing is forgotten",
        "what the field `remedy` says, unless it is to come later",
        ended_by=("folder.back",),
    ),
    Event(
        "folder.retired",
        ("notice",),
        ("folder",),
        "the configuration no longer names this folder; its images stay in the accounts",
    ),
    Event(
        "folder.suspect",
        ("error",),
        ("folder", "path", "remedy", "spared", "why"),
        "a folder is another directory than before, is empty, lacks a disk below it, or is the"
        " ghost of a mount: nothing in it is believed to be deleted; `spared` images that were"
        " condemned are not any more",
        "what the field `remedy` says",
        ended_by=("folder.trusted",),
    ),
    Event(
        "folder.swapped",
        ("info",),
        ("folder", "path"),
        "another directory came under the folder's name while it was read; the scan is not"
        " believed, and done again",
    ),
    Event(
        "folder.trusted",
        ("notice",),
        ("duration", "folder", "path"),
        "a folder that was doubted is taken for what it is: deletions in it count again",
    ),
    Event(
        "image.copied",
        ("info",),
        ("account", "file", "hash", "sha256", "source"),
        "the account holds the image, under this hash: copied out of `source`, without its bytes",
    ),
    Event(
        "image.deleted",
        ("info",),
        ("account", "file", "hash"),
        "an image has left the account, some time after its last file; the account has confirmed"
        " it",
    ),
    Event(
        "image.given_up",
        ("warning",),
        ("account", "file", "tries", "why"),
        "a backfill stops trying an image; the next one tries again",
    ),
    Event(
        "image.held",
        ("info",),
        ("account", "file", "hash", "sha256"),
        "the account holds the image, under this hash",
    ),
    Event(
        "image.inactive",
        ("warning",),
        ("account", "hash", "status"),
        "an audit found an image that is held, but whose status is not ACTIVE",
    ),
    Event(
        "image.kept",
        ("info",),
        ("account", "file", "hash", "why"),
        "a condemned image stays in the account, for now or for good, as `why` says",
    ),
    Event(
        "image.lost",
        ("warning",),
        ("account", "file", "hash", "sent_again"),
        "an audit found that the account no longer has an image that was held; `sent_again` says"
        " whether it is missing now (`audit.restore`)",
    ),
    Event(
        "image.rejected",
        ("warning",),
        ("account", "file", "sha256", "why"),
        "the account refuses the image; it is not sent again unless it changes",
        "mend the file; or, if the account is to be asked once more, `syncd retry --rejected`",
    ),
    Event(
        "image.renamed",
        ("info",),
        ("account", "hash", "name", "previous_name"),
        "an audit found that an image has another name in the account",
    ),
    Event(
        "image.retrying",
        ("info",),
        ("account", "file", "tries", "why"),
        "an image is tried again after a while",
    ),
    Event(
        "images.marked",
        ("notice",),
        ("folder", "images"),
        "so many more images are wanted by no file any more; they leave the accounts once the grace"
        " is over",
    ),
    Event(
        "library.message",
        ("warning", "error", "critical"),
        ("logger", "message", "traceback"),
        "something a library wanted said: a bug, most likely",
    ),
    Event(
        "log.dropped",
        ("warning",),
        ("records", "seconds"),
        "so many records of the log were never written, for nobody read it for so long, or it could"
        " not be written; it is said once it flows again",
    ),
    Event(
        "mirror.removed",
        ("notice",),
        ("account", "folder", "note"),
        "the folder's images no longer go to this account; those that are there stay",
    ),
    Event(
        "scan.done",
        ("info",),
        (
            "files",
            "folder",
            "new_or_changed",
            "scanned_at",
            "seconds",
            "trouble",
            "troubles",
        ),
        "a whole folder was read through; `trouble` is the first that it met, and `scanned_at` null"
        " if there was any",
    ),
    Event(
        "stats",
        ("info",),
        (
            "account",
            "budget_used",
            "calls",
            "consecutive",
            "held",
            "id",
            "images_per_second",
            "in_flight",
            "in_step_in",
            "kind",
            "missing",
            "oldest_waiting",
            "paused_for",
            "paused_since",
            "paused_until",
            "rejected",
            "rejections",
            "remedy",
            "state",
            "troubles",
            "wanted",
            "why",
        ),
        "how an account stands: every `log.stats_every` while anything in it changes, else once an"
        " hour, and at a start, a reload and a stop",
        "what the field `remedy` says, if it is not null",
    ),
    Event(
        "stats.folder",
        ("info",),
        (
            "deletions_held",
            "doubt",
            "files",
            "folder",
            "last_event_at",
            "path",
            "scanned_at",
            "trouble",
            "unreadable",
            "watch",
        ),
        "how a folder stands: as often as `stats`",
    ),
    Event(
        "stats.process",
        ("info",),
        (
            "descriptors",
            "ledger_mb",
            "lines_dropped",
            "memory_mb",
            "reading",
            "uptime",
            "wal_mb",
        ),
        "how the process stands: after the other lines, and every four minutes if there are none;"
        " later only if `log.stats_every` is longer",
    ),
    Event(
        "token.accepted",
        ("notice",),
        ("account", "duration", "user"),
        "the API takes the account's token; it is asked at a start or reload under a service"
        " manager, which hears `READY=1` then; `duration` is null unless an"
        " answer was waited for",
    ),
    Event(
        "token.changed",
        ("notice",),
        ("account", "duration"),
        "another token was found where the account's token lies; it is used from now on, and ends"
        " a stop: `duration` is null where there was none",
    ),
    Event(
        "token.checked",
        ("notice",),
        ("account", "duration"),
        "an answer about the token that was waited for came, and was no plain yes: what the account"
        " does now is an event of its own",
    ),
    Event(
        "token.unchecked",
        ("warning",),
        ("account", "why"),
        "no answer about the token came; it is asked again, and the start goes on meanwhile",
        ended_by=("token.accepted", "token.checked"),
    ),
    Event(
        "upload.done",
        ("debug",),
        ("account", "bytes", "images", "seconds", "usage_percent"),
        "a POST was answered",
    ),
    Event(
        "upload.split",
        ("info",),
        ("account", "images", "why"),
        "a POST of several was refused; its halves are tried, until the bad image stands alone",
    ),
    Event(
        "watch.degraded",
        ("error",),
        ("folder", "remedy", "why"),
        "the watch on a folder keeps ending; rescans find what is new meanwhile",
        "what the field `remedy` says",
        ended_by=("watch.restored",),
    ),
    Event(
        "watch.limit",
        ("error",),
        ("folder", "remedy"),
        "the system grants no more watches; rescans find what is new meanwhile",
        "what the field `remedy` says",
        ended_by=("watch.restored",),
    ),
    Event("watch.ready", ("info",), ("folder", "path"), "a folder is watched"),
    Event(
        "watch.restored",
        ("notice",),
        ("duration", "folder", "path"),
        "a folder is watched as it should be, after a watch that was limited or kept ending",
    ),
    Event(
        "watchdog.recovered",
        ("notice",),
        ("duration", "part"),
        "a part that was stuck goes on",
    ),
    Event(
        "watchdog.stuck",
        ("error",),
        ("part", "remedy", "seconds"),
        "a part stands still: `scanner of`, `watcher of` or `reader of` a folder, `workers of` an"
        " account, `ledger writer`, `ledger reader`, `event loop`. Without the ledger or the loop,"
        " or when a part that worked for half an hour does so, the service manager is told no more"
        " that all is well, and restarts syncd; else the others go on without it",
        "what the field `remedy` says",
        ended_by=("watchdog.recovered",),
    ),
)
