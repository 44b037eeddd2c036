"""`syncd sandbox` as a process: its output, and its end."""

import json
import os
import shlex
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from syncd.config.load import loads

PROGRAM = """
import typer
from syncd.cli.sandbox import sandbox
app = typer.Typer()
app.command()(sandbox)
app()
"""


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def pasted(line: str) -> Any:
    """Do what the printed curl command does, without curl, which is not always installed."""
    curl, h, header, f, field, url = shlex.split(line)
    assert (curl, h, f) == ("curl", "-H", "-F")
    name, _, value = header.partition(": ")
    key, _, content = field.partition("=")
    data = urllib.parse.urlencode({key: content}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, {name: value})) as response:
        return json.load(response)


def finished(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_a_working_upload_and_ends_with_a_summary(number: signal.Signals) -> None:
    with running("--tier", "development") as process:
        assert "/sandbox" in line(process)
        curl = line(process)
        assert line(process).startswith("A configuration for it, after `export SYNCD_TOKEN=")
        printed = "\n".join(iter(lambda: line(process), 'account = "main"'))
        config = loads(f'{printed}\naccount = "main"', Path("/printed.toml"), {})
        assert config.graph.base_url.startswith("http://127.0.0.1:")
        assert line(process) == ""
        assert pasted(curl)["images"]["bytes"]["width"] == 1
        process.send_signal(number)
        assert line(process).startswith("1 call, 1 image received")
        assert process.wait(10) == 0


def test_json_output_is_one_line() -> None:
    with running("--json", "--fault", "190:on=me", "--switch", "list_shape=map") as process:
        greeting = json.loads(line(process))
        request = urllib.request.Request(
            f"{greeting['url']}/act_1/adimages",
            headers={"Authorization": f"Bearer {greeting['token']}"},
        )
        with urllib.request.urlopen(request) as response:
            assert json.load(response)["data"] == {}
        process.terminate()
        assert line(process) == ""
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "listed"),
    [
        ((), ["act_1234567890", "act_2345678901"]),
        (("--account", "7", "--account", "act_8"), ["act_7", "act_8"]),
        (("--token", "sandbox-token=5"), ["act_5"]),
    ],
)
def test_its_accounts_are_listed_before_they_are_used(
    arguments: tuple[str, ...], listed: list[str]
) -> None:
    with running("--json", *arguments) as process:
        greeting = json.loads(line(process))
        request = urllib.request.Request(
            f"{greeting['url']}/me/adaccounts",
            headers={"Authorization": f"Bearer {greeting['token']}"},
        )
        with urllib.request.urlopen(request) as response:
            assert [account["id"] for account in json.load(response)["data"]] == listed


def test_the_printed_upload_is_for_a_served_account() -> None:
    with running("--account", "7") as process:
        assert "/sandbox" in line(process)
        assert pasted(line(process))["images"]["bytes"]["width"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fault", "nope"), "unknown fault"),
        (("--switch", "many_files=x"), "takes accept, refuse, a whole number"),
        (("--tier", "gold"), "development"),
    ],
)
def test_an_invalid_option_is_rejected_with_a_hint(arguments: tuple[str, ...], words: str) -> None:
    ended = finished(*arguments)
    assert ended.returncode == 2
    assert words in ended.stderr


def test_a_port_in_use_is_reported() -> None:
    with running("--json") as process:
        port = json.loads(line(process))["url"].rpartition(":")[2]
        ended = finished("--port", port)
    assert ended.returncode == os.EX_UNAVAILABLE
    assert port in ended.stderr


def test_the_switches_and_faults_are_listed() -> None:
    ended = finished("--switches")
    assert ended.returncode == 0
    assert "one_bad_file=fails_all" in ended.stdout
    assert "reset_after" in ended.stdout


def test_help_names_every_option() -> None:
    ended = finished("--help")
    for option in ("--port", "--tier", "--fault", "--switch", "--account", "--token", "--json"):
        assert option in ended.stdout
