"""The configuration on disk: the file itself, links between folders, secrets."""

import copy
import os
import pickle
from pathlib import Path

import pytest

from syncd.config import (
    ConfigError,
    Credential,
    Secret,
    SecretError,
    SecretFile,
    SecretSource,
    Variable,
    load,
    read_secret,
)

TOKEN = "EAABsbCS1iHgBAKZCZCkZD"


def config_file(tmp_path: Path, folders: dict[str, Path], more: str = "") -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        f"""
ledger.path = "{tmp_path}/state/ledger.db"
graph.token = {{ file = "{tmp_path}/token" }}
accounts.main.id = "1"
{more}
"""
        + "".join(
            f'[folders.{name}]\npath = "{folder}"\naccount = "main"\n'
            for name, folder in folders.items()
        )
    )
    return path


def report(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    return str(caught.value)


def test_a_file_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    assert report(tmp_path / "none.toml") == (
        f"{tmp_path}/none.toml: the file does not exist\n"
        "    write it with `syncd init`, or name another file with --config PATH"
    )


def test_a_directory_is_not_a_configuration(tmp_path: Path) -> None:
    assert report(tmp_path).startswith(f"{tmp_path}: the file cannot be read: Is a directory\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root is allowed to read everything")
def test_a_file_that_the_user_is_not_allowed_to_read_is_reported(tmp_path: Path) -> None:
    path = config_file(tmp_path, {"a": tmp_path / "a"})
    path.chmod(0)
    assert report(path).startswith(f"{path}: this user is not allowed to read the file\n")


def test_a_file_in_another_encoding_is_reported_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    # The mark at the beginning of the file does not belong to its first line.
    path.write_bytes(b"\xef\xbb\xbf" + "[folders.a]\npath = '/srv/Frühling'\n".encode("latin-1"))
    assert report(path) == (
        f"{path}:2: column 16: the byte 0xfc is not UTF-8\n"
        "    save the file as UTF-8:\n"
        "    path = '/srv/Fr\\xfchling'\n"
        "                   ^"
    )


def test_a_byte_order_mark_and_dos_line_endings_are_accepted(tmp_path: Path) -> None:
    path = config_file(tmp_path, {"a": tmp_path / "a"})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load(path, {}).folders


def test_a_folder_that_does_not_exist_yet_is_not_a_mistake(tmp_path: Path) -> None:
    assert load(config_file(tmp_path, {"a": tmp_path / "not" / "yet"}), {}).warnings == ()


def test_a_folder_by_a_link(tmp_path: Path) -> None:
    """It is inside the other folder. (Long paths are truncated: the test needs a short name.)"""
    (tmp_path / "real" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    path = config_file(tmp_path, {"all": tmp_path / "real", "some": tmp_path / "link" / "below"})
    assert (
        f'folders.some.path: "{tmp_path}/link/below" is inside the folder "all"'
        f' ("{tmp_path}/real"): it resolves to "{tmp_path}/real/below"\n'
    ) in report(path)


def test_two_links_to_one_folder_are_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("a", "b"):
        (tmp_path / name).symlink_to("real")
    path = config_file(tmp_path, {"a": tmp_path / "a", "b": tmp_path / "b"})
    assert f'folders.b.path: "{tmp_path}/b" is the same directory as the folder "a"' in report(path)


def test_a_ledger_by_a_link(tmp_path: Path) -> None:
    """It is inside the folder; its path may be truncated in the message."""
    (tmp_path / "a").mkdir()
    (tmp_path / "state").symlink_to("a")
    path = config_file(tmp_path, {"a": tmp_path / "a"})
    assert "ledger.path: " in report(path)
    assert 'is inside the folder "a"' in report(path)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o602, 1)])
def test_a_token_file_that_other_users_can_access_causes_a_warning(
    tmp_path: Path, mode: int, warned: int
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(mode)
    warnings = load(config_file(tmp_path, {"a": tmp_path / "a"}), {}).warnings
    assert len(warnings) == warned
    for warning in warnings:
        assert (warning.key, warning.line) == ("graph.token", 3)
        assert warning.message == f"other users can read or write {token}: its mode is {mode:04o}"
        assert warning.fix == f"run: chmod o= {token}"


SOURCES: list[SecretSource] = [
    Credential("syncd.token"),
    SecretFile("/CREDENTIALS/syncd.token"),
    Variable("SYNCD_TOKEN"),
]


def secret(tmp_path: Path, source: SecretSource, content: str) -> Secret:
    """Write the content to the source, and read it back."""
    (tmp_path / "syncd.token").write_bytes(content.encode("utf-8", "surrogateescape"))
    if isinstance(source, SecretFile):
        source = SecretFile(f"{tmp_path}/syncd.token")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "SYNCD_TOKEN": content}
    return read_secret(source, environ)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_without_its_newline(
    tmp_path: Path, source: SecretSource, end: str
) -> None:
    assert secret(tmp_path, source, TOKEN + end).reveal() == TOKEN


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: write the token into it"),
        ("\n", "is empty: write the token into it"),
        (TOKEN + "\n\n", "begins or ends with white space: write nothing but the token"),
        (f"{TOKEN}\nx", "contains a character that no token has"),
        (f"{TOKEN}\udcff", "contains a character that no token has"),
        (f"{TOKEN}é", "contains a character that no token has"),
    ],
)
def test_content_that_is_not_a_token_is_rejected_and_not_shown(
    tmp_path: Path, source: SecretSource, content: str, message: str
) -> None:
    with pytest.raises(SecretError) as caught:
        secret(tmp_path, source, content)
    assert message in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "environ", "message"),
    [
        (
            Variable("SYNCD_TOKEN"),
            {},
            "the variable SYNCD_TOKEN is not set: export it before syncd starts",
        ),
        (
            Credential("syncd.token"),
            {},
            (
                "the credential syncd.token is provided by systemd, but $CREDENTIALS_DIRECTORY is"
                " not set: start syncd with systemctl, or configure { file = … } or { env = … }"
            ),
        ),
        (
            Credential("syncd.token"),
            {"CREDENTIALS_DIRECTORY": "/nowhere"},
            (
                "/nowhere/syncd.token does not exist: put it into /etc/credstore/syncd.token"
                " (mode 0600), with LoadCredential=syncd.token in the unit"
            ),
        ),
        (
            SecretFile("/nowhere/token"),
            {},
            "/nowhere/token does not exist: write the token into it, or name another file",
        ),
        (
            SecretFile("/dev/zero"),
            {},
            "/dev/zero is not a regular file: write the token into it, or name another file",
        ),
    ],
)
def test_a_secret_that_cannot_be_read_is_reported_with_what_to_do(
    source: SecretSource, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SecretError) as caught:
        read_secret(source, environ)
    assert str(caught.value) == message


def test_a_file_that_is_too_long_is_not_a_token(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="is too long to be a token"):
        secret(tmp_path, SecretFile(""), "x" * 70_000)


def test_a_secret_is_never_printed_or_copied() -> None:
    held = Secret(TOKEN)
    for shown in (
        str(held),
        repr(held),
        f"{held}",
        f"{held!r:>30}",
        format(held, "s"),
        str([held]),
    ):
        assert TOKEN not in shown
    assert not hasattr(held, "__dict__")
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            leave(held)


def test_secrets_are_equal_when_their_contents_are_equal() -> None:
    assert Secret(TOKEN) == Secret(TOKEN)
    assert hash(Secret(TOKEN)) == hash(Secret(TOKEN))
    assert Secret(TOKEN) != Secret("other")
    assert Secret(TOKEN) != TOKEN
