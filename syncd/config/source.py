"""Where a secret comes from, as the file names it; a secret itself has no place there."""

import os
import re
import shlex
import stat

from syncd.config.errors import RefusedError, looks_like_a_token, quoted
from syncd.config.secrets import Credential, SecretFile, SecretSource, Variable
from syncd.config.values import kind, path

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
