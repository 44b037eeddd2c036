"""A unit parsed from the output of systemctl, and the secrets that its service gets."""

from pathlib import Path

import pytest
from support.readme import ROOT

from syncd.check.perspective import Perspective
from syncd.check.secrets import missing_secret, rejected_credential
from syncd.check.unit import Unit, parse_unit, service_settings
from syncd.check.user import current_user
from syncd.config import Credential, SecretFile, Variable
from syncd.config.shard import SHARD_VARIABLE

SHOWN = {
    "User": ["syncd"],
    "SupplementaryGroups": ["adm users"],
    "StateDirectory": ["syncd:link other"],
    "InvocationID": ["abc"],
    "ActiveState": ["active"],
}
"""As systemd 252 prints these settings."""


def unit(text: str = "", name: str = "syncd.service") -> Unit:
    return parse_unit(name, SHOWN, f"[Service]\n{text}")


def test_the_properties_of_a_unit_are_read() -> None:
    found = unit("ExecStart=-/usr/bin/a b\nExecStart=\nExecStart=@/usr/bin/c 'd e' f")
    assert (found.user, found.groups) == ("syncd", ("adm", "users"))
    assert found.state_directory == "/var/lib/syncd"
    assert found.active
    assert found.command == ["@/usr/bin/c", "d e", "f"]
    assert found.program == "/usr/bin/c"


def test_a_unit_without_settings_runs_as_root() -> None:
    bare = parse_unit("syncd.service", {}, "")
    assert (bare.user, bare.state_directory, bare.settings) == ("root", None, ())
    assert (bare.command, bare.program) == ([], "")


@pytest.mark.parametrize(
    ("text", "shard"),
    [
        ("", None),
        ("Environment=A=1 SYNCD_SHARD=0/3 B=2", "0/3"),
        ('Environment="SYNCD_SHARD=0/3"\nEnvironment=SYNCD_SHARD=1/3', "1/3"),
        ("Environment=SYNCD_SHARD=0/3\nEnvironment=", None),
        ("Environment=OTHER_SYNCD_SHARD=0/3", None),
        ("Environment=SYNCD_SHARD=0/3\nExecStart=/u/syncd run --shard 2/3 -c /c", "2/3"),
        ("ExecStart=/u/syncd run --shard=2/3", "2/3"),
    ],
)
def test_the_configuration_is_read_with_the_shard_of_the_unit(text: str, shard: str | None) -> None:
    environ = Perspective(user=current_user(), unit=unit(text)).environ({"A": "a"})
    state = {"A": "a", "STATE_DIRECTORY": "/var/lib/syncd"}
    assert environ == (state if shard is None else {**state, SHARD_VARIABLE: shard})


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("[Unit]\nA=1\n[Service]\nB=2\n[Install]\nC=3", [("B", "2")]),
        ("[Service]\n# A=1\n ; B=2\nC = 3 ", [("C", "3")]),
        ("[Service]\nA=1 \\\n# no\n  2\nB=3", [("A", "1    2"), ("B", "3")]),
        ("[Service]\nA=1\nB=2\nA=\nA=3", [("B", "2"), ("A", "3")]),
        ("[Unit]\n[Service]\nA=1\n[Service]\nA=2", [("A", "1"), ("A", "2")]),
        ("[Service]\nA=b=c", [("A", "b=c")]),
    ],
)
def test_the_lines_of_the_service_section_are_kept_in_their_order(
    text: str, settings: list[tuple[str, str]]
) -> None:
    assert service_settings(text, "syncd.service") == tuple(settings)


@pytest.mark.parametrize(
    ("value", "expanded"),
    [
        ("50%%", "50%"),
        ("/srv/%i/%I", r"/srv/eu-\x2dwest/eu/-west"),
        ("%n %N %p", r"syncd@eu-\x2dwest.service syncd@eu-\x2dwest syncd"),
        ("%S/%t/%C/%L/%E", "/var/lib//run//var/cache//var/log//etc"),
        ("%H", "%H"),
    ],
)
def test_the_specifiers_of_a_unit_are_expanded(value: str, expanded: str) -> None:
    settings = service_settings(f"[Service]\nA={value}", r"syncd@eu-\x2dwest.service")
    assert settings == (("A", expanded),)


@pytest.mark.parametrize(
    ("name", "source"),
    [("syncd.service", "syncd.token"), ("syncd@eu.service", "syncd.token:syncd.eu.token")],
)
def test_the_shipped_units_pass_a_token_to_the_service(name: str, source: str) -> None:
    text = (ROOT / "systemd" / name.replace("eu", "")).read_text()
    found = parse_unit(name, SHOWN, text)
    assert ("LoadCredential", source) in found.settings


def test_a_credential_that_the_unit_does_not_load_gets_a_drop_in() -> None:
    advice = missing_secret(Credential("t"), unit("LoadCredential=u"))
    assert advice is not None
    assert advice[1][1].input_lines == ("[Service]", "LoadCredential=t")


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("LoadCredential=t:/none", "/none"),
        ("LoadCredential=t:no-such-file", "/etc/credstore/no-such-file"),
        ("LoadCredentialEncrypted=t:no-such-file", "no-such-file in /etc/credstore.encrypted"),
    ],
)
def test_a_credential_without_a_file_is_named(line: str, path: str) -> None:
    advice = missing_secret(Credential("t"), unit(line))
    assert advice is not None
    assert path in advice[0]


def test_a_credential_without_a_file_names_what_belongs_into_it() -> None:
    advice = missing_secret(Credential("t"), unit("LoadCredential=t:/none"), "URL")
    assert advice is not None
    assert advice[0].startswith("there is no /none: write the URL into it")


def test_a_credential_with_a_file_is_not_the_fault_of_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch()
    assert missing_secret(Credential("t"), unit(f"LoadCredential=t:{file}")) is None
    assert missing_secret(SecretFile("/none"), unit()) is None
    assert "systemd-creds" in rejected_credential(unit("SetCredentialEncrypted=t:x"))[0]
    assert "LoadCredential=" in rejected_credential(unit("LoadCredential=t"))[0]


def test_a_variable_that_the_service_lacks_is_to_be_set_in_the_unit() -> None:
    advice = missing_secret(Variable("T"), unit())
    assert advice is not None
    assert "EnvironmentFile=" in advice[0]
