"""A unit's settings, from what systemctl prints of them."""

from pathlib import Path

import pytest
from support.readme import ROOT

from syncd.check.token_access import Refused, Unseen, handed_over, opened, place_of, reader
from syncd.check.unit import Unit, parse
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
"""As systemd 252 shows the settings that were written for it."""


def unit(text: str = "", name: str = "syncd.service", **shown: list[str]) -> Unit:
    return parse(name, {**SHOWN, **shown}, text)


def test_paths_with_blanks_and_colons_are_taken_apart() -> None:
    walls = unit().walls
    assert walls.bound == ("/home/anna",)
    assert walls.bound_read_only == (
        "/home/b/c", "/home/b/my pics", "/home/b/a:b", "/home/b/none", "/home/b/other",
        "/home/b/x:/y",
    )  # fmt: skip
    assert walls.writable == (
        "/srv/x", "/srv/y z", "/srv/w", "/var/lib/syncd", "/var/lib/other", "/var/log/syncd",
    )  # fmt: skip
    assert walls.emptied == ("/var/lib/syncd", "/x")
    assert (walls.home, walls.system, walls.private_tmp) == ("tmpfs", "strict", True)
    assert unit().state == "/var/lib/syncd"


def test_the_environment_is_unquoted() -> None:
    assert unit().environment == {"A": "b", "C": "d e", "Q": 'x"y'}
    assert unit().environment_files == ("/etc/default/a b", "/etc/b")


def test_without_settings_there_are_no_walls() -> None:
    bare = parse("syncd.service", {}, "")
    assert (bare.user, bare.state, bare.credentials) == ("root", None, {})
    assert (bare.walls.home, bare.walls.system, bare.walls.private_tmp) == ("no", "no", False)


@pytest.mark.parametrize(
    ("name", "source"), [("syncd.service", "syncd.token"), ("syncd@eu.service", "syncd.eu.token")]
)
def test_the_shipped_units_hand_over_a_token(name: str, source: str) -> None:
    file = name.replace("eu", "")
    text = (ROOT / "systemd" / file).read_text()
    assert unit(text, name).credentials == {"syncd.token": source}


def test_a_drop_in_has_the_last_word_about_credentials() -> None:
    text = (
        "[Service]\n# LoadCredential=no:no\nLoadCredential=a\n[Service]\nLoadCredential=\n"
        "LoadCredential=b:/etc/50%%\nLoadCredentialEncrypted=c\nSetCredential=d:text\n"
    )
    found = unit(text)
    assert found.credentials == {"b": "/etc/50%"}
    assert found.encrypted == {"c": "c"}
    assert found.set_here == {"d"}


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


def handed(token: str, of: Unit, *, root: bool) -> object:
    config = loads(CONFIG.replace("{}", token), Path("/c.toml"), {})
    read = reader(handed_over(config, of, root=root), {"T": "the-shell's"}, lambda _secret: None)
    return opened(config, config.accounts[next(iter(config.accounts))], read)


def test_only_root_sees_what_systemd_hands_over() -> None:
    found = handed('{ credential = "t" }', unit("LoadCredential=t"), root=False)
    assert isinstance(found, Unseen)


def test_a_credential_that_the_unit_does_not_load_gets_the_line_for_it() -> None:
    found = handed('{ credential = "t" }', unit("LoadCredential=u"), root=False)
    assert isinstance(found, Refused)
    assert found.commands[1].reads == ("[Service]", "LoadCredential=t")


def test_a_variable_counts_only_when_the_unit_sets_it(tmp_path: Path) -> None:
    assert isinstance(handed('{ env = "T" }', unit(), root=True), Refused)
    file = tmp_path / "environment"
    file.write_text("; a comment\n#T=no\n\nOTHER\nT='a-token'\n")
    files = [f"{file} (ignore_errors=no)"]
    found = handed('{ env = "T" }', unit(EnvironmentFiles=files), root=True)
    assert not isinstance(found, Refused | Unseen)


def test_a_file_is_closed_only_when_it_is_there(tmp_path: Path) -> None:
    assert place_of(SecretFile(str(tmp_path / "none"))) is None
    assert place_of(Credential("a")) is place_of(Variable("a")) is None
    (tmp_path / "token").touch()
    place = place_of(SecretFile(str(tmp_path / "token")))
    assert place is not None
    assert not place.closed
