"""A service that systemd cannot start: the reason, and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from syncd.check.drop_in import drop_in_commands, paths_of, program_lines, sources_of
from syncd.check.facts import Facts
from syncd.check.probe import EXEC, NOT_STARTED, Failure, probe
from syncd.check.result import Check, bad
from syncd.check.secrets import missing_credential, rejected_credential
from syncd.check.unit import Unit

CHDIR, NAMESPACE, CREDENTIALS = 200, 226, 243  # systemd.exec(5), "Process Exit Codes"
_MUST_EXIST = {
    NOT_STARTED: ("EnvironmentFile",),
    CHDIR: ("WorkingDirectory",),
    NAMESPACE: ("BindPaths", "BindReadOnlyPaths", "ReadWritePaths", "ReadOnlyPaths", "ExecPaths",
                "NoExecPaths", "InaccessiblePaths", "RootDirectory", "RootImage"),
}  # fmt: skip
"""The settings that name paths which have to exist, by the exit code when one does not."""


class Start(msgspec.Struct, frozen=True):
    """A start of a unit's program: what it found, with the lines of a drop-in that it needs."""

    found: Facts | Failure
    lines: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    """Why systemd cannot start the service as its unit is."""


def start(unit: Unit) -> Start:
    """Start the program of a unit in a probe."""
    found = probe(unit)
    if isinstance(found, Facts) or found.code is None:
        return Start(found)
    if found.code != EXEC:
        return Start(found, (), (failure_check(unit, found),))
    program, seen, lines = program_check(unit, found)
    return Start(found if seen is None else seen, lines, (program,))


def failure_check(unit: Unit, failure: Failure) -> Check:
    """Return why systemd cannot start the service."""
    subject = "service"
    if failure.code == CREDENTIALS:
        message, commands = missing_credential(unit) or rejected_credential(unit)
        return bad(subject, f"{unit.name} cannot start: {message}", commands)
    missing = next(_missing_paths(unit, _MUST_EXIST.get(failure.code or 0, ())), None)
    if missing is not None:
        setting, path = missing
        fix = f"create it, or remove {setting} from the unit"
        return bad(subject, f"{unit.name} cannot start: there is no {path}: {fix}")
    reason = failure.reason or f"systemd ends it with the code {failure.code}"
    return bad(subject, f"{unit.name} cannot start: {reason}")


def _missing_paths(unit: Unit, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for key, value in unit.settings:
        if key in keys:
            for path in sources_of(value):
                if not Path(path).exists():
                    yield f"{key}={path}", path


def program_check(unit: Unit, failure: Failure) -> tuple[Check, Facts | None, tuple[str, ...]]:
    """Return the check of a program that the service cannot run, and the facts with a drop-in."""
    program = unit.program
    directories = _program_directories(program)
    message = f"{unit.name} cannot run {program}"
    for lines in program_lines(unit.settings, directories):
        found = probe(unit, lines)
        if isinstance(found, Facts):
            names = ("NoExecPaths",) if lines[0].startswith("ExecPaths") else ("ProtectHome",)
            values = [f"{key}={value}" for key, value in unit.settings if key in names]
            blamed = f" ({values[-1]})" if values else ""
            commands = drop_in_commands(unit.name, lines)
            return bad("program", message + blamed, commands), found, lines
    root = dict(unit.settings).get("RootDirectory") or dict(unit.settings).get("RootImage")
    if root is not None:
        fix = "install syncd in it, or remove that setting from the unit"
        return bad("program", f"{message} in the root {root}: {fix}"), None, ()
    named = [path for path in _not_executable(unit) if path in directories]
    if named:
        fix = "remove that setting from the unit"
        return bad("program", f"{message} (NoExecPaths={named[0]}): {fix}"), None, ()
    where = " and ".join(directories)
    message += (
        f" ({failure.reason}): install syncd where every user can read and run it, such as"
        f" /opt/syncd; it is in {where}"
    )
    return bad("program", message), None, ()


def _not_executable(unit: Unit) -> list[str]:
    return [
        path for key, value in unit.settings if key == "NoExecPaths" for path in paths_of(value)
    ]


def _program_directories(program: str) -> tuple[str, ...]:
    """Return the directory of a script, and the prefixes of its environment and interpreter."""
    found = [os.path.dirname(os.path.realpath(program))]
    try:
        with open(program, "rb") as file:
            first = file.readline(4096)
    except OSError:
        return tuple(found)
    if first.startswith(b"#!"):
        interpreter = os.fsdecode(first[2:].split()[0])
        if os.path.exists(os.path.join(os.path.dirname(interpreter), "../pyvenv.cfg")):
            found.append(os.path.dirname(os.path.dirname(interpreter)))
        # Its libraries are executed, too: of /usr/bin/python3, those in /usr/lib.
        found.append(os.path.dirname(os.path.realpath(interpreter)).removesuffix("/bin"))
    return tuple(dict.fromkeys(found))
