"""Events of the process: its start, reload and end, its configuration, log and watchdog."""

from __future__ import annotations

from syncd.logs.catalogue.event import Event

PROCESS = (
    Event(
        "backfill.done",
        ("info",),
        (
            *("account", "copied", "held", "left_out", "missing", "rejected", "rejections"),
            *("seconds", "sync", "troubles", "uploaded", "wanted", "why"),
        ),
        "a backfill ends: what the account got from it, and why images are not held; `left_out`"
        " images are missing that were not part of it",
    ),
    Event(
        "config.accepted",
        ("notice",),
        ("duration",),
        "a valid configuration was loaded after a rejected one",
    ),
    Event(
        "config.refused",
        ("error",),
        ("remedy", "why"),
        "a reload was requested (SIGHUP), but the configuration is invalid:"
        " nothing has changed; a restart clears it as well",
        "what the field `remedy` says",
        ended_by=("config.accepted",),
    ),
    Event(
        "config.warning",
        ("warning",),
        ("why",),
        "the configuration is valid, but something in it is probably a mistake",
    ),
    Event(
        "daemon.crashed",
        ("critical",),
        ("remedy", "traceback", "why"),
        "a bug ended the process with exit code 70",
        "what the field `remedy` says",
    ),
    Event(
        "daemon.cut_off",
        ("warning",),
        ("seconds",),
        "calls in progress did not end within `seconds` at a stop or reload; their images are sent"
        " again, which is harmless",
    ),
    Event(
        "daemon.failed",
        ("error",),
        ("remedy", "why"),
        "the process cannot work and ends, because of the ledger, the disk or a permission",
        "what the field `remedy` says",
    ),
    Event(
        "daemon.reloaded",
        ("notice",),
        ("changes", "config"),
        "the new configuration is in effect; scans of the folders begin",
    ),
    Event(
        "daemon.reloading",
        ("notice",),
        (),
        "a reload was requested (SIGHUP), and the new configuration is valid: calls in progress"
        " are completed, and new ones wait",
    ),
    Event(
        "daemon.started",
        ("notice",),
        ("accounts", "config", "folders", "ledger", "version"),
        "the ledger is open; scans of the folders begin",
    ),
    Event("daemon.stopped", ("notice",), (), "everything is closed"),
    Event(
        "daemon.stopping",
        ("notice",),
        ("signal",),
        "a signal was received: calls in progress are completed, and no new ones begin",
    ),
    Event(
        "error.uncaught",
        ("critical",),
        ("remedy", "traceback", "where", "why"),
        "a bug in a thread, a callback or a destructor, which did not end the process",
        "what the field `remedy` says",
    ),
    Event(
        "ledger.migrated",
        ("notice",),
        ("backup", "before", "ledger", "seconds", "version"),
        "the ledger of an earlier syncd (layout `before`) has the layout `version` now; `backup` is"
        " the ledger as it was, for a return to that syncd",
    ),
    Event(
        "ledger.migrating",
        ("notice",),
        ("before", "done", "ledger", "step", "version"),
        "an earlier syncd wrote the ledger: it is being backed up (`step` is `backup`) or changed"
        " (the layout that is being made); `done` is the share of the step from 0 to 1. Logged when"
        " it begins, and every 10 s",
    ),
    Event(
        "library.message",
        ("warning", "error", "critical"),
        ("logger", "message", "traceback"),
        "a library logged a warning or an error, most likely because of a bug",
    ),
    Event(
        "log.dropped",
        ("warning",),
        ("records", "seconds"),
        "`records` log records were lost over `seconds` seconds, because the log was not read fast"
        " enough or could not be written; logged once writing succeeds again",
    ),
    Event(
        "metrics.available",
        ("notice",),
        ("duration", "what"),
        "the address or the file of [metrics] can be used again",
    ),
    Event(
        "metrics.unavailable",
        ("warning",),
        ("remedy", "what", "why"),
        "the address or the file of [metrics] cannot be used, or prometheus-client is not"
        " installed: monitoring sees less, and everything else continues; a reload that changes"
        " [metrics], or a restart, clears it as well",
        "what the field `remedy` says",
        ended_by=("metrics.available",),
    ),
    Event(
        "notify.failing",
        ("warning",),
        ("receiver", "why"),
        "a receiver of notifications has not accepted one, or its URL cannot be read; it is tried"
        " again every 5 s to 10 min, and gets what is still true then",
        ended_by=("notify.recovered",),
    ),
    Event(
        "notify.incomplete",
        ("warning",),
        ("receiver", "rows"),
        "a receiver was unreachable for longer than `ledger.history`: up to `rows` rows of the"
        " history were removed before it was notified of them",
    ),
    Event(
        "notify.recovered",
        ("notice",),
        ("duration", "receiver"),
        "a receiver accepts notifications again",
    ),
    Event(
        "ping.failing",
        ("warning",),
        ("why",),
        "the monitor of [ping] has not accepted a ping; it is tried again",
        ended_by=("ping.recovered",),
    ),
    Event("ping.recovered", ("notice",), ("duration",), "the monitor accepts pings again"),
    Event(
        "stats.process",
        ("info",),
        ("descriptors", "ledger_mb", "lines_dropped", "memory_mb", "reading", "uptime", "wal_mb"),
        "the state of the process: after the other statistics, and otherwise every four minutes,"
        " or every `log.stats_every` if that is longer",
    ),
    Event(
        "shard.changed",
        ("warning",),
        ("accounts", "before", "shard"),
        "the ledger was last used for the shard `before`, and now for `shard` (null: all"
        " accounts), with `accounts` that were of other shards: their images that only the ledger"
        " of another machine knows are sent again. It is logged once",
        "stop syncd on both machines, and move each account from the other ledger by"
        " `syncd ledger move`; nothing if these accounts are new",
    ),
    Event(
        "status.unwritable",
        ("warning",),
        ("file", "why"),
        "the status file cannot be written: `syncd status` shows what the ledger has, and not what"
        " the daemon does now",
        ended_by=("status.writable",),
    ),
    Event(
        "status.writable",
        ("notice",),
        ("duration", "file"),
        "the status file can be written again",
    ),
    Event(
        "watchdog.recovered",
        ("notice",),
        ("duration", "part"),
        "a part that was stuck makes progress again",
    ),
    Event(
        "watchdog.stuck",
        ("error",),
        ("part", "remedy", "seconds"),
        "a part makes no progress: the `scanner of`, `watcher of` or `reader of` a folder, the"
        " `workers of` an account, the `ledger writer`, the `ledger reader` or the `event loop`. If"
        " it is the ledger, the event loop, or a part that had worked for half an hour, the service"
        " manager no longer gets the watchdog signal, and restarts syncd; otherwise the other parts"
        " continue without it",
        "what the field `remedy` says",
        ended_by=("watchdog.recovered",),
    ),
    Event(
        "web.failed",
        ("critical",),
        ("path", "remedy", "traceback", "why"),
        "a bug ended a request of `syncd web`, which continues; `path` is that of the page",
        "what the field `remedy` says",
    ),
    Event(
        "web.rejected",
        ("warning",),
        ("attempts", "client"),
        "wrong passwords were sent to `syncd web`, or too many: `attempts` since the last such"
        " record, of which there is at most one a minute, the last of them from the address"
        " `client`",
        "if no user has mistyped the password, let a firewall limit which clients reach the pages",
    ),
)
