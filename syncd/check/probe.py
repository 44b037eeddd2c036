"""A probe: the unit's own program, started once by systemd with the settings of the unit.

It runs `syncd check --inside`, so that the kernel decides what the service can access, and systemd
what it can start. `systemd-run` takes the lines of the unit's [Service] as they are.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from syncd.check import facts
from syncd.check.facts import MAX_TEXT, Facts
from syncd.check.unit import Unit, service_settings, words_of
from syncd.config.shard import SHARD_VARIABLE
from syncd.model import printable

NOT_COPIED = frozenset(
    {
        # The process that is started, and how systemd treats its start, its end and its output.
        "Type", "ExecStart", "ExecStartPre", "ExecStartPost", "ExecCondition", "ExecReload",
        "ExecStop", "ExecStopPost", "ExitType", "RemainAfterExit", "GuessMainPID", "PIDFile",
        "BusName", "NotifyAccess", "Sockets", "NonBlocking", "Restart", "RestartSec",
        "RestartMode", "RestartSteps", "RestartMaxDelaySec", "RestartPreventExitStatus",
        "RestartForceExitStatus", "SuccessExitStatus", "ReloadSignal", "WatchdogSec",
        "WatchdogSignal", "TimeoutSec", "TimeoutStartSec", "TimeoutStopSec", "TimeoutAbortSec",
        "TimeoutStartFailureMode", "TimeoutStopFailureMode", "RuntimeMaxSec",
        "RuntimeRandomizedExtraSec", "FileDescriptorStoreMax", "FileDescriptorStorePreserve",
        "StartLimitInterval", "StartLimitIntervalSec", "StartLimitBurst", "StartLimitAction",
        "FailureAction", "SuccessAction", "RebootArgument", "OOMPolicy", "StandardInput",
        "StandardInputText", "StandardInputData", "StandardOutput", "StandardError", "TTYPath",
        "TTYReset", "TTYVHangup", "TTYVTDisallocate", "TTYRows", "TTYColumns",
        # At the end of the probe, these would remove what a running service uses.
        "RemoveIPC", "RuntimeDirectoryPreserve",
    }
)  # fmt: skip
"""Settings that are not for the probe. A list of whole names: ExecPaths= is copied."""

TIME_LIMIT = 600
"""Seconds, after which systemd ends the probe: a large folder on a slow disk takes minutes."""
MAX_OUTPUT = 4 * 2**20  # bytes of JSON
MAX_ERRORS = 2**16  # bytes of which the last line is shown

SYSTEMD_CODES = range(200, 246)
"""Exit codes of processes that systemd could not turn into the service (systemd.exec(5))."""
EXEC = 203
NOT_STARTED = 1
"""The exit code of systemd-run when there is not even a process."""
_DIRECTORIES = {
    "StateDirectory": "/var/lib", "CacheDirectory": "/var/cache", "LogsDirectory": "/var/log",
    "ConfigurationDirectory": "/etc", "RuntimeDirectory": "/run",
}  # fmt: skip
"""The directories that systemd creates when it starts a unit."""


class Failure(msgspec.Struct, frozen=True):
    """The probe found no facts.

    `code` is the exit code of systemd when it could not start the service, which the service would
    meet too; None when the probe itself could not be made.
    """

    code: int | None
    reason: str


def probe(unit: Unit, lines: Sequence[str] = ()) -> Facts | Failure:
    """Return what the service would find, with additional lines in its [Service].

    What the probe creates is removed, also when this process is interrupted.
    """
    ignored: frozenset[str] = frozenset()
    while True:
        name = f"syncd-check-{os.getpid()}-{time.monotonic_ns()}.service"
        command = probe_command(unit, lines, name, ignored)
        if isinstance(command, Failure):
            return command
        with _own_directories(unit):
            code, output, error = _run(command, name)
        # systemd ignores an unknown key in a unit, and systemd-run does not.
        unknown = re.match(r"Unknown assignment: (\w+)=", error)
        if unknown is None or unknown[1] in ignored:
            return _outcome(code, output, error, name)
        ignored |= {unknown[1]}


def probe_command(
    unit: Unit, lines: Sequence[str], name: str, ignored: frozenset[str] = frozenset()
) -> list[str] | Failure:
    """Return the command that starts the probe under this name, without the ignored keys."""
    added = "[Service]\n" + "\n".join(lines)
    resets = {line.partition("=")[0] for line in lines if line.endswith("=")}
    settings = [one for one in unit.settings if one[0] not in resets]
    settings += service_settings(added, unit.name)
    unexpanded = [key for key, _ in unit.unexpanded if key not in NOT_COPIED]
    words = unit.command
    if words and words[0][0] in "+!":
        return Failure(None, "its ExecStart= begins with + or !, and the sandbox does not apply")
    if unit.role is None:
        return Failure(None, "its ExecStart= starts neither `syncd run` nor `syncd web`")
    if unexpanded:
        return Failure(None, f"`syncd check` does not know a specifier of {unexpanded[0]}=")
    words[0] = unit.program
    at = words.index(unit.role.value)
    shard = [] if unit.shard is None else [f"--setenv={SHARD_VARIABLE}={unit.shard}"]
    properties = [
        f"--property={key}={value}"
        for key, value in settings
        if key not in NOT_COPIED and key not in ignored
    ]
    return [
        "systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--no-ask-password",
        f"--unit={name}", "--service-type=exec", *shard,
        *properties,
        f"--property=RuntimeMaxSec={TIME_LIMIT}", "--property=RuntimeDirectoryPreserve=yes",
        "--", *words[:at], "check", "--inside", unit.role.value, *_configuration(words[at + 1 :]),
    ]  # fmt: skip


def _configuration(words: Sequence[str]) -> list[str]:
    """Return the options of a command that `check` has, too: that of the configuration."""
    return [
        word
        for before, word in zip(("", *words), words, strict=False)
        if re.match(r"--config(=|$)|-c", word) or before in ("--config", "-c")
    ]


def _run(command: Sequence[str], name: str) -> tuple[int | None, bytes, str]:
    """Return exit code, output and first error of a probe; None if it could not be started."""
    with tempfile.TemporaryFile() as errors:
        try:
            # The probe ends when its stdin does: at the end of this process at the latest.
            process = subprocess.Popen(  # noqa: S603  the words are the unit's own, for its user
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        except OSError as error:
            return None, b"", f"systemd-run cannot be started: {error.strerror}"
        with process:
            assert process.stdout is not None  # noqa: S101  for mypy
            output = None
            try:
                output = _read(process.stdout, time.monotonic() + TIME_LIMIT + 30)
            finally:
                if output is None:
                    process.kill()
                    stop = ["systemctl", "stop", name]
                    subprocess.run(stop, check=False, capture_output=True)  # noqa: S603
            code = process.wait()
            if output is None:
                return None, b"", "it printed too much, or did not end"
        errors.seek(0)
        lines = errors.read(MAX_ERRORS).decode("utf-8", "replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return code, output, printable(last)[:MAX_TEXT]


def _read(stream: IO[bytes], deadline: float) -> bytes | None:
    """Return all that is written to a pipe; None if it is too much or takes too long."""
    output = b""
    while len(output) <= MAX_OUTPUT and (left := deadline - time.monotonic()) > 0:
        if not select.select([stream], [], [], left)[0]:
            return None
        if not (some := os.read(stream.fileno(), 65_536)):
            return output
        output += some
    return None


def _outcome(code: int | None, output: bytes, error: str, name: str) -> Facts | Failure:
    if code == 0:
        try:
            return facts.decode(output)
        except msgspec.DecodeError:
            return Failure(None, "it printed something else than facts: is it another version?")
    if code in SYSTEMD_CODES:
        return Failure(code, _journal(f"--unit={name}"))
    if error.startswith("Failed to find executable"):
        return Failure(EXEC, error)
    if code == NOT_STARTED and not error and (reason := _journal("_PID=1", f"UNIT={name}")):
        return Failure(code, reason)
    return Failure(None, error or f"it ended with the exit code {code}")


def _journal(*matches: str) -> str:
    """Return systemd's message about a service that it could not start.

    No process of the service's user can have written it.
    """
    text, shown = "", ("--no-pager", "--output=cat", "--lines=20", *matches)
    try:
        for words in (("--sync",), shown):
            ended = subprocess.run(  # noqa: S603  constants, and the name of the probe
                ["journalctl", *words],  # noqa: S607  found on PATH
                check=False, capture_output=True, text=True, errors="replace", timeout=10,
            )  # fmt: skip
            text = ended.stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r": Failed to (?!start|with)(.+)", text)
    return "" if found is None else printable(found[1].replace("/run/systemd/unit-root/", "/"))


@contextmanager
def _own_directories(unit: Unit) -> Iterator[None]:
    """Remove the empty directories that systemd creates for the probe and that did not exist."""
    absent: list[Path] = []
    for key, parent in _DIRECTORIES.items():
        for word in words_of(unit.settings, key):
            path = Path(parent, word.partition(":")[0])
            below = [path, *path.parents][: len(path.parts) - len(Path(parent).parts)]
            absent += [one for one in below if not one.exists()]
    try:
        yield
    finally:
        if not unit.active:
            for path in sorted(absent, reverse=True):
                with suppress(OSError):
                    path.rmdir()
