"""Secrets: where one comes from, how it is read, and how it stays unseen."""

import os
import re
import shlex
import stat
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, NoReturn, assert_never

import msgspec

from syncd.config.errors import RefusedError, looks_like_a_token, quoted
from syncd.config.values import kind, path

LONGEST = 64 * 1024
"""More than any token is long; a file that holds more was named by mistake."""


class Secret:
    """A text that shows itself to nobody who does not ask with `reveal()`."""

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
        raise TypeError("a secret is neither pickled nor copied")


class SecretError(Exception):
    """A secret cannot be had; the text says what to do."""


class Credential(msgspec.Struct, frozen=True):
    """A file of $CREDENTIALS_DIRECTORY, where systemd puts what LoadCredential= names."""

    name: str

    def __str__(self) -> str:
        return f"the credential {self.name}"


class SecretFile(msgspec.Struct, frozen=True):
    path: str

    def __str__(self) -> str:
        return f"the file {self.path}"


class Variable(msgspec.Struct, frozen=True):
    """A variable of the environment."""

    name: str

    def __str__(self) -> str:
        return f"the variable {self.name}"


SecretSource = Credential | SecretFile | Variable


def read_secret(source: SecretSource, environ: Mapping[str, str]) -> Secret:
    """Return the secret, without the newline that ends its file; blocks as reading a file does.

    Raises SecretError.
    """
    match source:
        case Credential(name):
            text = _credential(name, environ)
        case SecretFile(path):
            text = _file(path, "write the token into it, or name another file")
        case Variable(name):
            if name not in environ:
                raise SecretError(
                    f"the variable {name} is not set: export it before syncd is started"
                )
            text = environ[name]
        case _:
            assert_never(source)
    return Secret(_checked(text.removesuffix("\n").removesuffix("\r"), source))


def _credential(name: str, environ: Mapping[str, str]) -> str:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise SecretError(
            f"the credential {name} is handed over by systemd, and $CREDENTIALS_DIRECTORY is not"
            " set: start syncd by its unit, or configure { file = … } or { env = … }"
        )
    return _file(
        f"{directory}/{name}",
        f"put it into /etc/credstore/{name} (mode 0600), with LoadCredential={name} in the unit",
    )


def _file(path: str, otherwise: str) -> str:
    try:
        # A FIFO would be waited for: only a regular file is opened.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise SecretError(f"{path} is no regular file: {otherwise}")
        with open(path, "rb") as file:
            content = file.read(LONGEST + 1)
    except FileNotFoundError:
        raise SecretError(f"there is no file {path}: {otherwise}") from None
    except PermissionError:
        raise SecretError(
            f"{path} may not be read by this user: give it to the user that syncd runs as,"
            f" with chown and chmod 600"
        ) from None
    except OSError as error:
        raise SecretError(f"{path} cannot be read ({error.strerror}): {otherwise}") from None
    if len(content) > LONGEST:
        raise SecretError(f"{path} is too long to be a token: {otherwise}")
    # What is not UTF-8 becomes a character that _checked refuses, without showing it.
    return content.decode("utf-8", "replace")


def _checked(text: str, source: SecretSource) -> str:
    if not text:
        raise SecretError(f"{source} is empty: write the token into it")
    if text != text.strip():
        raise SecretError(f"{source} begins or ends with blank space: leave the token alone in it")
    # What goes into an HTTP header: a newline there would be a header of its own.
    if any(not "!" <= character <= "~" for character in text):
        raise SecretError(
            f"{source} holds a character that no token has, such as a space or a second line:"
            " leave the token alone in it"
        )
    return text


FORMS = (
    '{ credential = "syncd.token" }, { file = "/etc/syncd/token" }'
    ' or { env = "SYNCD_TOKEN" }, and put the secret itself there'
)
KEYS = ("credential", "file", "env")


def secret_source(value: object) -> SecretSource:
    advice = f"write {FORMS}"
    if isinstance(value, str):
        raise RefusedError("a secret does not belong in this file, which others may read", advice)
    if not isinstance(value, dict):
        raise RefusedError(f"is {kind(value)}, and does not say where the secret is", advice)
    if len(value) != 1 or not value.keys() <= set(KEYS):
        raise RefusedError("needs one of the keys credential, file and env, and no other", advice)
    ((form, named),) = value.items()
    if not isinstance(named, str):
        raise RefusedError(f"has {kind(named)} for {form}, where a text should stand", advice)
    if looks_like_a_token(named):
        raise RefusedError(f"has a secret for {form}, where the place of one is named", advice)
    match form:
        case "credential":
            if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,200}", named):
                raise RefusedError(f"{quoted(named)} is no credential's name", advice)
            return Credential(named)
        case "env":
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", named):
                raise RefusedError(f"{quoted(named)} is no variable's name", advice)
            return Variable(named)
        case _:
            return SecretFile(path("/etc/syncd/token")(named))


def exposure(source: SecretSource | None) -> tuple[str, str] | None:
    """Say what is wrong and what to type when others can get at the secret's file."""
    if not isinstance(source, SecretFile):
        return None
    try:
        mode = stat.S_IMODE(os.stat(source.path).st_mode)
    except OSError:
        return None  # read_secret says it better, to whoever needs the secret
    if not mode & (stat.S_IROTH | stat.S_IWOTH):
        return None
    # What the group may do is left alone: root:syncd 0640 is a good way to hand a token over.
    return (
        f"{source.path} is open to others: its mode is {mode:04o}",
        f"type: chmod o= {shlex.quote(source.path)}",
    )
