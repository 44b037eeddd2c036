"""The text of a new configuration: the example with the operator's accounts and folders."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from syncd.config import Problem
from syncd.config.errors import BARE

_ACCOUNT_FORM = "write NAME=ID, such as main=act_1234567890"
_FOLDER_FORM = "write NAME=PATH:ACCOUNT[,MIRROR…], such as spring=/srv/creatives:main"
_KEY = re.compile(r"(account|folder)s\.(.+?)(?:\.(?:id|path|account|mirrors))?")


class Folder(msgspec.Struct, frozen=True):
    """The values of a folder's table."""

    path: str
    account: str
    mirrors: tuple[str, ...] = ()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose; loading the written text checks all values."""

    token: tuple[str, str]
    """The key and the value of the token's source, such as ("credential", "syncd.token")."""
    ledger: str
    accounts: Mapping[str, str]
    """The id of each account, by its name."""
    folders: Mapping[str, Folder]
    base_url: str | None = None


class FormError(ValueError):
    """A word of the command line does not have the form of its option."""


def read_accounts(words: Sequence[str]) -> dict[str, str]:
    """Read the values of --account; raises FormError."""
    found: dict[str, str] = {}
    for word in words:
        name, _, number = word.partition("=")
        if not (name and number):
            raise FormError(f'"{word}" is not an account: {_ACCOUNT_FORM}')
        _check_new(name, found)
        found[name] = number
    return found


def read_folders(words: Sequence[str]) -> dict[str, Folder]:
    """Read the values of --folder; raises FormError. A path can contain colons, a name cannot."""
    found: dict[str, Folder] = {}
    for word in words:
        name, _, rest = word.partition("=")
        path, _, accounts = rest.rpartition(":")
        account, *mirrors = accounts.split(",")
        if not (name and path and account and all(mirrors)):
            raise FormError(f'"{word}" is not a folder: {_FOLDER_FORM}')
        _check_new(name, found)
        found[name] = Folder(path, account, tuple(mirrors))
    return found


def _check_new(name: str, found: Collection[str]) -> None:
    if name in found:
        raise FormError(f'the name "{name}" is given twice: write another name for one of them')


def in_options(problem: Problem) -> str:
    """Return a problem of a written configuration in words of the options."""
    option = _KEY.sub(r"--\1 \2", problem.key) if problem.key != "ledger.path" else "--ledger"
    return f"{option}: {problem.message}\n    {problem.fix}"


def short(draft: Draft) -> str:
    """Return the configuration without comments."""
    url = f"base_url = {_string(draft.base_url)}\n" if draft.base_url else ""
    start = f"[graph]\n{url}{_token(draft)}\n\n[ledger]\npath = {_string(draft.ledger)}\n"
    return "\n".join([start, *_accounts(draft), *_folders(draft)])


def commented(draft: Draft, example: str, path: str) -> str:
    """Return the configuration with the comments and the defaults of the example.

    The first account and the first folder have the comments of theirs.
    """
    sections = (_filled(section, draft, path) for section in _sections(example))
    return "".join(sections).rstrip("\n") + "\n"


def _sections(example: str) -> Iterator[str]:
    """Yield the example's head, then each table with the comments above it."""
    section = ""
    for paragraph in re.split(r"(?<=\n)\n(?=\S)", example):
        if section and re.search(r"^\[", paragraph, re.MULTILINE):
            yield section
            section = ""
        section += ("\n" if section else "") + paragraph
    yield section


def _filled(section: str, draft: Draft, path: str) -> str:
    """Return a section of the example with the operator's values, and with an empty line after."""
    header = re.search(r"^\[(\w+)", section, re.MULTILINE)
    match header[1] if header else None:
        case None:
            values = {r"/etc/syncd/config\.toml": path}
        case "graph":
            values = {r"^token = .*": _token(draft)}
            if draft.base_url:
                values[r"^#base_url = .*"] = f"base_url = {_string(draft.base_url)}"
        case "ledger":
            values = {r"^path = .*": f"path = {_string(draft.ledger)}"}
        case "accounts":
            first, *others = _accounts(draft)
            return _replaced(section, _lines_by_key(first)) + _joined(others)
        case "folders":
            first, *others = _folders(draft)
            return _replaced(section, _lines_by_key(first)) + _joined(others)
        case _:
            values = {}
    return _replaced(section, values) + "\n"


def _joined(tables: Sequence[str]) -> str:
    return "".join(f"\n{table}" for table in tables) + "\n"


def _lines_by_key(table: str) -> dict[str, str]:
    """Return a table's lines by the patterns of the example's lines that they replace."""
    header, *lines = table.rstrip("\n").split("\n")  # splitlines() also splits at U+0085
    patterns = {rf"^#?{line.split(' ')[0]} = .*": line for line in lines}
    return {r"^\[.*\]$": header, **patterns}


def _replaced(section: str, values: Mapping[str, str]) -> str:
    for pattern, value in values.items():
        if found := re.search(pattern, section, re.MULTILINE):
            section = section[: found.start()] + value + section[found.end() :]
    return section


def _accounts(draft: Draft) -> list[str]:
    return [
        f"[accounts.{_key(name)}]\nid = {_string(number)}\n"
        for name, number in draft.accounts.items()
    ]


def _folders(draft: Draft) -> list[str]:
    return [
        f"[folders.{_key(name)}]\npath = {_string(folder.path)}\n"
        f"account = {_string(folder.account)}\n"
        + (f"mirrors = [{', '.join(map(_string, folder.mirrors))}]\n" if folder.mirrors else "")
        for name, folder in draft.folders.items()
    ]


def _token(draft: Draft) -> str:
    key, value = draft.token
    return f"token = {{ {key} = {_string(value)} }}"


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    """Return a TOML string, whose escapes are those of JSON; TOML also escapes DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
