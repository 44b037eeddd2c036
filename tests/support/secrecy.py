"""What must not be found anywhere: parts of secrets, in each form in which a text can have them."""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

PART = 8
"""Characters of a secret that must not be found: `syncd token show` prints four."""

LARGEST = 64 * 2**20  # bytes of a file that is searched


def proof_of(token: str, app_secret: str) -> str:
    """Return the parameter `appsecret_proof` of calls with this token."""
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


class Secrets:
    """Secrets by name, and the search for parts of them."""

    def __init__(self, **secrets: str) -> None:
        self._parts = {
            part: name for name, secret in secrets.items() for part in set(_parts(secret))
        }

    def found_in(self, text: str | bytes) -> set[str]:
        """Return the names of the secrets of which a part is in a text."""
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        lower = data.lower()
        return {name for part, name in self._parts.items() if part in data or part in lower}

    def assert_not_in(self, texts: Mapping[str, str | bytes]) -> None:
        """Fail if a text has a part of a secret; a failure names both."""
        found = {place: names for place, text in texts.items() if (names := self.found_in(text))}
        assert not found, found


def _parts(secret: str) -> Iterator[bytes]:
    """Yield every part of a secret: plain, percent-encoded, as JSON escapes, hex and base64."""
    for start in range(max(1, len(secret) - PART + 1)):
        part = secret[start : start + PART]
        codes = [f"{ord(character):02x}" for character in part]
        yield part.encode()
        yield quote(part, safe="").encode()
        yield "".join(f"%{code}" for code in codes).encode()
        yield "".join(f"\\u00{code}" for code in codes).encode()
        yield "".join(codes).encode()
    for offset in range(3):  # where the secret begins within a group of three bytes
        whole = base64.b64encode(bytes(offset) + secret.encode()).decode().rstrip("=")
        inner = whole[4:-2]  # without the characters that depend on its surroundings
        for start in range(max(1, len(inner) - 11)):
            part = inner[start : start + 12]  # of nine bytes
            yield part.encode()
            yield part.translate(str.maketrans("+/", "-_")).encode()


def files_below(directory: Path, but: Iterable[Path]) -> dict[str, bytes]:
    """Return the files below a directory, and their names, except for the sources of secrets."""
    left_out = set(but)
    return {
        str(path): path.name.encode() + b"\n" + path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path not in left_out and path.stat().st_size <= LARGEST
    }


def process_view(pid: int) -> dict[str, bytes]:
    """Return what /proc shows of a process and its children: commands, environments and files."""
    found: dict[str, bytes] = {}
    for one in (pid, *_children(pid)):
        for name in ("cmdline", "environ", "comm"):
            found[f"/proc/{one}/{name}"] = Path(f"/proc/{one}/{name}").read_bytes()
        for descriptor in Path(f"/proc/{one}/fd").iterdir():
            found[str(descriptor)] = os.fsencode(descriptor.readlink())
    return found


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from _children(int(child))
