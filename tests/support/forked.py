"""Commands of syncd in forks of one process: a command takes 30 ms instead of 400.

A fork of the tests' own process would copy its threads' locks. This file is also the program that
the forks are made of.
"""

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from support.process import Ended

import syncd.cli
import syncd.daemon
import syncd.engine
import syncd.wording

LIMIT = 15
"""Seconds after which a command that has not ended is killed by SIGALRM."""


class Forks:
    """The process that runs commands, and the files of their output."""

    def __init__(self, process: "subprocess.Popen[str]", directory: Path) -> None:
        self._process = process
        self._out, self._err = directory / "out", directory / "err"

    def run(self, environ: Mapping[str, str], *words: str) -> Ended:
        """Run a command to its end; the code is negative for a signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {
            "words": words,
            "environ": dict(environ),
            "out": str(self._out),
            "err": str(self._err),
        }
        print(json.dumps(request), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        return Ended(code, self._out.read_text("utf-8"), self._err.read_text("utf-8"))


@contextmanager
def forks(directory: Path) -> Iterator[Forks]:
    """Run the process that commands are forked of."""
    python_path = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-X", "utf8", __file__]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": python_path},
        text=True,
    ) as process:
        yield Forks(process, directory)
        assert process.stdin is not None
        process.stdin.close()


def _serve() -> None:
    for package in (syncd.cli, syncd.daemon, syncd.wording, syncd.engine):  # loaded for all forks
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ |= request["environ"]
            _run(request["words"], request["out"], request["err"])
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(words: Sequence[str], out: str, err: str) -> NoReturn:
    from syncd.cli import main  # noqa: PLC0415  the same

    signal.alarm(LIMIT)
    for descriptor, file in ((0, os.devnull), (1, out), (2, err)):
        flags = os.O_RDWR | os.O_CREAT | (os.O_TRUNC if descriptor else 0)
        os.dup2(os.open(file, flags, 0o600), descriptor)
    sys.argv = ["syncd", *words]
    code = 70
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
