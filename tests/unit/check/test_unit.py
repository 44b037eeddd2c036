"""A unit parsed from the output of systemctl, and the secrets that its service gets."""

from pathlib import Path

import pytest
from support.readme import ROOT

from syncd.check.token_access import (
    Unavailable,
    Unknown,
    checked_path,
    secret_reader,
    secrets_from_systemd,
    token_access,
)
from syncd.check.unit import Unit, parse_unit
from syncd.config import Credential, SecretFile, Variable
from syncd.config.load import loads

BOUND = (
    "/home/b/c:/home/b/c:rbind /home/b/my pics:/home/b/my pics:rbind"
    " /home/b/a:b:/home/b/a:b:rbind -/home/b/none:/home/b/none:rbind"
    " /home/b/c:/home/b/other:rbind /home/b/x:/y:/home/b/x:/y:rbind"
)
SHOWN = {
    "User": ["syncd"],
    "SupplementaryGroups": ["adm users"],
    "Environment": ['A=b "C=d e" "Q=x\\"y"'],
    "EnvironmentFiles": ["/etc/default/a b (ignore_errors=yes)", "/etc/b (ignore_errors=no)"],
    "StateDirectory": ["syncd other"],
    "LogsDirectory": ["syncd"],
    "ProtectHome": ["tmpfs"],
    "ProtectSystem": ["strict"],
    "PrivateTmp": ["yes"],
    "BindPaths": ["/home/anna:/home/anna:rbind"],
    "BindReadOnlyPaths": [BOUND],
    "ReadWritePaths": ["/srv/x -/srv/y z +/srv/w"],
    "TemporaryFileSystem": ["/var/lib/syncd:ro /x"],
}
"""As systemd 252 prints these settings."""


def unit(text: str = "", name: str = "syncd.service", **shown: list[str]) -> Unit:
    return parse_unit(name, {**SHOWN, **shown}, text)


def test_lists_of_paths_with_blanks_and_colons_are_split() -> None:
    sandbox = unit().sandbox
    assert sandbox.bind_paths == ("/home/anna",)
    assert sandbox.bind_read_only_paths == (
        "/home/b/c", "/home/b/my pics", "/home/b/a:b", "/home/b/none", "/home/b/other",
        "/home/b/x:/y",
    )  # fmt: skip
    assert sandbox.read_write_paths == (
        "/srv/x", "/srv/y z", "/srv/w", "/var/lib/syncd", "/var/lib/other", "/var/log/syncd",
    )  # fmt: skip
    assert sandbox.temporary_file_systems == ("/var/lib/syncd", "/x")
    assert (sandbox.protect_home, sandbox.protect_system) == ("tmpfs", "strict")
    assert sandbox.private_tmp
    assert unit().state_directory == "/var/lib/syncd"


def test_environment_assignments_are_unquoted() -> None:
    assert unit().environment == {"A": "b", "C": "d e", "Q": 'x"y'}
    assert unit().environment_files == ("/etc/default/a b", "/etc/b")


def test_a_unit_without_settings_has_no_sandbox() -> None:
    bare = parse_unit("syncd.service", {}, "")
    assert (bare.user, bare.state_directory, bare.credentials) == ("root", None, {})
    assert (bare.sandbox.protect_home, bare.sandbox.protect_system) == ("no", "no")
    assert not bare.sandbox.private_tmp


@pytest.mark.parametrize(
    ("name", "source"), [("syncd.service", "syncd.token"), ("syncd@eu.service", "syncd.eu.token")]
)
def test_the_shipped_units_pass_a_token_to_the_service(name: str, source: str) -> None:
    file = name.replace("eu", "")
    text = (ROOT / "systemd" / file).read_text()
    assert unit(text, name).credentials == {"syncd.token": source}


def test_a_drop_in_overrides_earlier_credentials() -> None:
    text = (
        "[Service]\n# LoadCredential=no:no\nLoadCredential=a\n[Service]\nLoadCredential=\n"
        "LoadCredential=b:/etc/50%%\nLoadCredentialEncrypted=c\nSetCredential=d:text\n"
    )
    found = unit(text)
    assert found.credentials == {"b": "/etc/50%"}
    assert found.encrypted_credentials == {"c": "c"}
    assert found.inline_credentials == {"d"}


CONFIG = """
[graph]
token = {}
[ledger]
path = "/ledger.db"
[accounts.main]
id = "1"
[folders.a]
path = "/a"
account = "main"
"""


def token_for(token: str, service: Unit, *, root: bool) -> object:
    """Return what a service gets as the token of its account."""
    config = loads(CONFIG.replace("{}", token), Path("/c.toml"), {})
    from_systemd = secrets_from_systemd(config, service, root=root)
    read = secret_reader(from_systemd, {"T": "the-shell's"}, lambda _secret: None)
    return token_access(config, next(iter(config.accounts.values())), read)


def test_a_credential_from_systemd_is_unknown_to_users_other_than_root() -> None:
    found = token_for('{ credential = "t" }', unit("LoadCredential=t"), root=False)
    assert isinstance(found, Unknown)


def test_a_credential_that_the_unit_does_not_load_gets_a_drop_in() -> None:
    found = token_for('{ credential = "t" }', unit("LoadCredential=u"), root=False)
    assert isinstance(found, Unavailable)
    assert found.commands[1].input_lines == ("[Service]", "LoadCredential=t")


def test_a_variable_is_available_only_if_the_unit_sets_it(tmp_path: Path) -> None:
    assert isinstance(token_for('{ env = "T" }', unit(), root=True), Unavailable)
    file = tmp_path / "environment"
    file.write_text("; a comment\n#T=no\n\nOTHER\nT='a-token'\n")
    files = [f"{file} (ignore_errors=no)"]
    found = token_for('{ env = "T" }', unit(EnvironmentFiles=files), root=True)
    assert not isinstance(found, Unavailable | Unknown)


def test_a_token_file_is_denied_only_if_it_exists(tmp_path: Path) -> None:
    assert checked_path(SecretFile(str(tmp_path / "none"))) is None
    assert checked_path(Credential("a")) is checked_path(Variable("a")) is None
    (tmp_path / "token").touch()
    path = checked_path(SecretFile(str(tmp_path / "token")))
    assert path is not None
    assert not path.denied
