"""Events of folders: directories, files, scans and watches."""

from __future__ import annotations

from syncd.logs.catalogue.event import Event

FOLDERS = (
    Event(
        "directory.readable",
        ("notice",),
        ("duration", "folder", "path"),
        "a directory that could not be read is readable again or no longer exists",
    ),
    Event(
        "directory.unreadable",
        ("error",),
        ("folder", "path", "remedy", "why"),
        "a directory cannot be read; no file of the folder counts as deleted until it can",
        "what the field `remedy` says; the next scan notices it",
        ended_by=("directory.readable",),
    ),
    Event("file.gone", ("debug",), ("file",), "a file disappeared before it was read"),
    Event(
        "file.known",
        ("info",),
        ("file", "sha256"),
        "all accounts of the folder already hold the image of a new file (renamed, moved or a"
        " duplicate): nothing is sent",
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
        "a file is not an image that the API accepts, is damaged, or has been unfinished for a day;"
        " it is not sent, and is read again when it changes",
        "save it as `why` asks, or remove it from the folder",
    ),
    Event(
        "file.unfinished",
        ("info",),
        ("file", "why"),
        "a file is empty, has a hole or ends with zeros: it is not sent, is read again at every"
        " scan, and is rejected after 24 hours without a change",
    ),
    Event(
        "file.unreadable",
        ("error",),
        ("file", "remedy", "why"),
        "a file cannot be read; it is retried at every scan until it is readable or deleted",
        "what the field `remedy` says",
        ended_by=("file.readable",),
    ),
    Event(
        "files.kept",
        ("warning",),
        ("folder", "names", "remedy", "why"),
        "a scan no longer found `names` files or directories, but they were not deleted: their"
        " images stay wanted",
        "what the field `remedy` says",
        ended_by=("files.settled",),
    ),
    Event(
        "files.missing",
        ("info",),
        ("condemned", "files", "folder", "why"),
        "a scan no longer found `files` files, which count as deleted; `condemned` images, which"
        " only they needed, leave the accounts after the grace period (0 unless `deletions ="
        ' "propagate"`)',
    ),
    Event(
        "files.settled",
        ("notice",),
        ("duration", "folder"),
        "all names that were kept are files again, have been deleted, or are accepted as lost by"
        " `syncd deletions trust`",
    ),
    Event(
        "folder.back",
        ("notice",),
        ("duration", "folder", "path"),
        "a folder that was missing exists again",
    ),
    Event(
        "folder.missing",
        ("warning",),
        ("folder", "path", "remedy", "why"),
        "the folder does not exist, or its disk or file server fails (`why`); syncd waits for it,"
        " and its images stay in the accounts",
        "what the field `remedy` says, unless the folder is expected later",
        ended_by=("folder.back",),
    ),
    Event(
        "folder.retired",
        ("notice",),
        ("folder",),
        "the configuration no longer has this folder; its images stay in the accounts",
    ),
    Event(
        "folder.suspect",
        ("error",),
        ("folder", "path", "remedy", "spared", "why"),
        "the folder is not the same directory as before, is empty, or is a deleted directory below"
        " a bind mount: no file of it counts as deleted, and `spared` condemned images are kept",
        "what the field `remedy` says",
        ended_by=("folder.trusted",),
    ),
    Event(
        "folder.swapped",
        ("info",),
        ("folder", "path"),
        "the folder was replaced by another directory during a scan; the scan is discarded and"
        " repeated",
    ),
    Event(
        "folder.trusted",
        ("notice",),
        ("duration", "folder", "path"),
        "a suspect folder is trusted again: files deleted from it count as deleted",
    ),
    Event(
        "scan.done",
        ("info",),
        (
            *("files", "folder", "new_or_changed", "scanned_at", "seconds"),
            *("skipped", "trouble", "troubles"),
        ),
        "a scan of a whole folder ended; `trouble` is its first error, and `scanned_at` is null if"
        " there was one; `skipped` counts the files that it did not take, by reason or extension",
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
            "skipped",
            "trouble",
            "unfinished",
            "unreadable",
            "watch",
        ),
        "the state of a folder: as often as `stats`",
    ),
    Event(
        "watch.degraded",
        ("error",),
        ("folder", "remedy", "why"),
        "the watch of a folder keeps ending; until it works, rescans find new files",
        "what the field `remedy` says",
        ended_by=("watch.restored",),
    ),
    Event(
        "watch.limit",
        ("error",),
        ("folder", "remedy"),
        "the system's limit of inotify watches is reached; until it is raised, rescans find new"
        " files",
        "what the field `remedy` says",
        ended_by=("watch.restored",),
    ),
    Event("watch.ready", ("info",), ("folder", "path"), "a folder is watched"),
    Event(
        "watch.restored",
        ("notice",),
        ("duration", "folder", "path"),
        "the watch of a folder works again, after it was limited or degraded",
    ),
)
