"""The command that starts a probe: the unit's own program with the unit's own settings."""

import pytest
from support.readme import ROOT

from syncd.check.probe import NOT_COPIED, Failure, probe_command
from syncd.check.unit import Unit, parse_unit

RUN = "ExecStart=/usr/bin/syncd run --config /etc/syncd/config.toml\n"


def unit(text: str, name: str = "syncd.service") -> Unit:
    return parse_unit(name, {}, f"[Service]\n{text}")


def command(text: str, *lines: str, ignored: frozenset[str] = frozenset()) -> list[str]:
    found = probe_command(unit(RUN + text), lines, "probe.service", ignored)
    assert isinstance(found, list), found
    return found


def properties(words: list[str]) -> list[str]:
    """Return the properties that come from the unit: not the two at the end."""
    return [word.removeprefix("--property=") for word in words if "--property" in word][:-2]


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("ProtectHome=tmpfs\nUser=syncd", ["ProtectHome=tmpfs", "User=syncd"]),
        ("ExecPaths=/usr\nNoExecPaths=/", ["ExecPaths=/usr", "NoExecPaths=/"]),
        ("ExecReload=/bin/kill\nExecStartPre=/bin/a", []),
        ("RemoveIPC=yes\nRuntimeDirectoryPreserve=no", []),
        ("RuntimeDirectory=syncd\nRestartSec=1", ["RuntimeDirectory=syncd"]),
        ("Type=notify\nWatchdogSec=1\nStandardError=null", []),
        ('Environment="A=b c"', ['Environment="A=b c"']),
        ("A=1\nA=\nA=2", ["A=2"]),
        ("BindPaths=/a%%b", ["BindPaths=/a%b"]),
    ],
)
def test_a_probe_has_the_settings_of_the_service_but_those_of_its_process(
    text: str, copied: list[str]
) -> None:
    assert properties(command(text)) == copied


def test_a_probe_keeps_the_runtime_directory_of_a_running_service() -> None:
    assert "--property=RuntimeDirectoryPreserve=yes" in command("RuntimeDirectory=syncd")


@pytest.mark.parametrize(
    ("lines", "copied"),
    [
        (("BindPaths=/a",), ["PrivateNetwork=yes", "IPAddressDeny=any", "BindPaths=/a"]),
        (("IPAddressDeny=",), ["PrivateNetwork=yes"]),
        (("PrivateNetwork=no",), ["PrivateNetwork=yes", "IPAddressDeny=any", "PrivateNetwork=no"]),
        (("BindPaths=/50%%",), ["PrivateNetwork=yes", "IPAddressDeny=any", "BindPaths=/50%"]),
    ],
)
def test_the_lines_of_a_drop_in_are_added_after_those_of_the_unit(
    lines: tuple[str, ...], copied: list[str]
) -> None:
    assert properties(command("PrivateNetwork=yes\nIPAddressDeny=any", *lines)) == copied


def test_a_key_that_systemd_run_does_not_know_is_left_out() -> None:
    assert properties(command("A=1\nB=2", ignored=frozenset({"A"}))) == ["B=2"]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("/u/syncd run --config /c.toml", "/u/syncd check --inside run --config /c.toml"),
        ("-@/usr/bin/syncd run -c /c.toml", "/usr/bin/syncd check --inside run -c /c.toml"),
        ("/v/bin/python -m syncd run -c /c", "/v/bin/python -m syncd check --inside run -c /c"),
        ("/u/syncd -c /c run", "/u/syncd -c /c check --inside run"),
        ("/u/syncd run --log-level debug --config=/c", "/u/syncd check --inside run --config=/c"),
        ("/u/syncd web --config /c --listen [::1]:80", "/u/syncd check --inside web --config /c"),
        ("/u/syncd web --listen=[::1]:80 -c/c", "/u/syncd check --inside web -c/c"),
    ],
)
def test_a_probe_runs_the_program_of_the_unit(start: str, words: str) -> None:
    found = probe_command(unit(f"ExecStart={start}"), (), "probe.service")
    assert isinstance(found, list)
    assert found[found.index("--") + 1 :] == words.split()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ExecStart=+/usr/bin/syncd run", "begins with + or !"),
        ("ExecStart=!!/usr/bin/syncd run", "begins with + or !"),
        ("ExecStart=/usr/bin/wrapper", "starts neither `syncd run` nor `syncd web`"),
        ("", "starts neither `syncd run` nor `syncd web`"),
        (f"{RUN}BindPaths=/srv/%H", "does not know a specifier of BindPaths="),
    ],
)
def test_a_unit_that_no_probe_imitates_is_not_tried(text: str, reason: str) -> None:
    found = probe_command(unit(text), (), "probe.service")
    assert isinstance(found, Failure)
    assert found.code is None
    assert reason in found.reason


def test_a_probe_has_the_shard_of_the_command() -> None:
    found = probe_command(unit("ExecStart=/u/syncd run --shard 1/3 -c /c"), (), "probe.service")
    assert isinstance(found, list)
    assert "--setenv=SYNCD_SHARD=1/3" in found
    assert found[found.index("--") + 1 :] == [
        "/u/syncd", "check", "--inside", "run", "-c", "/c"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["syncd.service", "syncd@eu.service", "syncd-web.service", "syncd-web@eu.service"]
)
def test_the_shipped_units_can_be_probed(name: str) -> None:
    text = (ROOT / "systemd" / name.replace("eu", "")).read_text()
    found = probe_command(parse_unit(name, {}, text), (), "probe.service")
    assert isinstance(found, list)
    keys = {word.split("=")[1] for word in found if word.startswith("--property")}
    assert {"ProtectSystem", "ExecPaths", "LoadCredential", "StateDirectory"} <= keys
    assert keys & NOT_COPIED == {"RuntimeMaxSec", "RuntimeDirectoryPreserve"}
