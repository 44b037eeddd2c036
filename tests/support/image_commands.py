"""`syncd images` run inside the test's process, next to a sandbox in the test's event loop."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from support.rig import Rig
from typer.testing import CliRunner

from syncd.cli.app import app
from syncd.ledger.file import connect_writer


class Outcome:
    """The exit code and the output of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def rows(self) -> list[Any]:
        """The output as JSON."""
        return list(json.loads(self.out))


class ImageCommands:
    """A configuration whose ledger exists, and the commands on its accounts."""

    def __init__(self, rig: Rig, environ: Mapping[str, str] | None = None) -> None:
        self.rig = rig
        self.config = rig.write_config()
        with closing(connect_writer(rig.ledger)):
            pass
        self._runner = CliRunner(
            env={"SYNCD_TEST_TOKEN": rig.sandbox.token, "COLUMNS": "80", **(environ or {})}
        )

    async def __call__(self, *words: str, stdin: str | None = None) -> Outcome:
        """Run `syncd images` with these words and the configuration."""
        return await self.other("images", *words, stdin=stdin)

    async def other(self, *words: str, stdin: str | None = None) -> Outcome:
        """Run another command of syncd with the configuration."""
        command = [*words, "--config", str(self.config)]
        result = await asyncio.to_thread(self._runner.invoke, app, command, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)
