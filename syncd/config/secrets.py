"""Secrets: their sources, how they are read, and a type that never prints one."""

import errno
import os
import re
import shlex
import stat
import threading
from collections.abc import Mapping
from hmac import compare_digest
from pathlib import Path
from typing import Any, NoReturn, assert_never

import msgspec

from syncd.config.errors import InvalidValueError, looks_like_token, quoted
from syncd.config.program import MAX_BYTES
from syncd.config.secret_command import output_of
from syncd.config.secret_errors import NoFilesError, SecretError
from syncd.config.values import described, path

SOURCE_FIX = (
    'write { credential = "syncd.token" }, { file = "/etc/syncd/token" },'
    ' { env = "SYNCD_TOKEN" } or { command = ["pass", "show", "meta"] }, and put the secret there'
)
SOURCE_KEYS = ("credential", "file", "env", "command")


class Secret:
    """A string that is shown only by `reveal()`: printing or formatting it yields asterisks."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret can be neither pickled nor copied")


class Credential(msgspec.Struct, frozen=True):
    """A file in $CREDENTIALS_DIRECTORY, where systemd puts the credentials of LoadCredential=."""

    name: str

    def __str__(self) -> str:
        return f"the credential {self.name}"


class SecretFile(msgspec.Struct, frozen=True):
    """A file that contains nothing but the secret."""

    path: str

    def __str__(self) -> str:
        return f"the file {self.path}"


class Variable(msgspec.Struct, frozen=True):
    """A variable of the environment."""

    name: str

    def __str__(self) -> str:
        return f"the variable {self.name}"


class Command(msgspec.Struct, frozen=True):
    """A program that prints the secret, and its arguments."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"the output of the command {quoted(self.words[0])}"


SecretSource = Credential | SecretFile | Variable | Command


def secret_source(value: object, directory: Path) -> SecretSource:
    """Parse a table that names the source of a secret; relative paths begin in `directory`."""
    if isinstance(value, str):
        raise InvalidValueError(
            "this file must not contain the secret itself, because others may read it", SOURCE_FIX
        )
    if not isinstance(value, dict):
        raise InvalidValueError(f"expected a table, got {described(value)}", SOURCE_FIX)
    if len(value) != 1 or not value.keys() <= set(SOURCE_KEYS):
        keys = ", ".join(SOURCE_KEYS)
        raise InvalidValueError(f"needs exactly one of the keys {keys}", SOURCE_FIX)
    ((key, name),) = value.items()
    if key == "command":
        return Command(command_words(name))
    if not isinstance(name, str):
        raise InvalidValueError(f"expected a string for {key}, got {described(name)}", SOURCE_FIX)
    if looks_like_token(name):
        raise InvalidValueError(f"{key} contains a secret, instead of its source", SOURCE_FIX)
    match key:
        case "credential":
            if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,200}", name):
                message = f"{quoted(name)} is not the name of a credential"
                raise InvalidValueError(message, SOURCE_FIX)
            return Credential(name)
        case "env":
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                message = f"{quoted(name)} is not the name of an environment variable"
                raise InvalidValueError(message, SOURCE_FIX)
            return Variable(name)
        case _:
            return SecretFile(path("/etc/syncd/token", directory)(name))


def command_words(value: object, fix: str = SOURCE_FIX) -> tuple[str, ...]:
    """Parse a program and its arguments, none of which is a secret."""
    words = value if isinstance(value, list) else []
    if not words or not all(isinstance(word, str) and "\0" not in word for word in words):
        message = f"expected a list of strings for command, got {described(value)}"
        raise InvalidValueError(message, fix)
    if not words[0].strip():
        raise InvalidValueError("the command has no program", fix)
    if any(looks_like_token(word) for word in words):
        raise InvalidValueError("command contains a secret, instead of its source", fix)
    return tuple(words)


def exposure(source: SecretSource | None) -> tuple[str, str] | None:
    """Return a message and a fix when other users can read or write the secret's file."""
    if not isinstance(source, SecretFile):
        return None
    try:
        mode = stat.S_IMODE(os.stat(source.path).st_mode)
    except OSError:
        return None  # read_secret reports it, once the secret is needed
    if not mode & (stat.S_IROTH | stat.S_IWOTH):
        return None
    # The group's permissions are not checked: root:syncd 0640 is a good way to provide a token.
    return (
        f"other users can read or write {source.path}: its mode is {mode:04o}",
        f"run: chmod o= {shlex.quote(source.path)}",
    )


def read_secret(
    source: SecretSource,
    environ: Mapping[str, str],
    what: str = "token",
    stop: threading.Event | None = None,
) -> Secret:
    """Read a secret, without the newline at its end; blocks while a file is read or a program runs.

    Raises SecretError, which calls the secret `what`, and StoppedError once `stop` has ended a
    program.
    """
    match source:
        case Credential(name):
            text = _read_credential(name, environ, what)
        case SecretFile(path):
            text = _read_file(path, f"write the {what} into it, or name another file", what)
        case Variable(name):
            if name not in environ:
                raise SecretError(f"the variable {name} is not set: export it before syncd starts")
            text = environ[name]
        case Command(words):
            text = output_of(words, environ, stop=stop)
        case _:
            assert_never(source)
    return checked_secret(text, source, what)


def checked_secret(text: str, source: object, what: str = "token") -> Secret:
    """Return the secret in a text, without the newline at its end; `source` is where it is from.

    Raises SecretError.
    """
    return Secret(_checked(text.removesuffix("\n").removesuffix("\r"), source, what))


def _read_credential(name: str, environ: Mapping[str, str], what: str) -> str:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise SecretError(
            f"the credential {name} is provided by systemd, but $CREDENTIALS_DIRECTORY is not set:"
            " start syncd with systemctl, or configure { file = … } or { env = … }"
        )
    return _read_file(
        f"{directory}/{name}",
        f"put it into /etc/credstore/{name} (mode 0600), with LoadCredential={name} in the unit",
        what,
    )


def _read_file(path: str, fix: str, what: str) -> str:
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SecretError(f"{path} is not a regular file: {fix}")
            content = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise SecretError(f"{path} is not a regular file: {fix}") from None
    except FileNotFoundError:
        raise SecretError(f"{path} does not exist: {fix}") from None
    except PermissionError:
        raise SecretError(
            f"this user is not allowed to read {path}: make the user that runs syncd its owner"
            " (chown), with chmod 600"
        ) from None
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise NoFilesError(
                f"{path} cannot be opened ({error.strerror}): allow syncd more open files"
                " (LimitNOFILE= in its unit, or ulimit -n)"
            ) from None
        raise SecretError(
            f"{path} cannot be read ({error.strerror}): check the path and its disk"
        ) from None
    if len(content) > MAX_BYTES:
        raise SecretError(f"{path} is too long to be a {what}: {fix}")
    # Bytes that are not UTF-8 become a character that _checked rejects without showing it.
    return content.decode("utf-8", "replace")


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file; a FIFO would wait for its writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _checked(text: str, source: object, what: str) -> str:
    if not text:
        raise SecretError(f"{source} is empty: write the {what} into it")
    if text != text.strip():
        raise SecretError(
            f"{source} begins or ends with white space: write nothing but the {what} into it"
        )
    # The secret is sent in an HTTP header, where a newline would begin another header.
    if any(not "!" <= character <= "~" for character in text):
        raise SecretError(
            f"{source} contains a character that no {what} has, such as a space or a second line:"
            f" write nothing but the {what} into it"
        )
    return text
