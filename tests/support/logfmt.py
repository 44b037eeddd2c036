"""A reader of logfmt, as strict as those of other programs."""

import json
import re

_PAIR = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^ "=]*)(?: |$)')


def read_logfmt(line: str) -> dict[str, str]:
    """Return the pairs of a line; a quoted value is a string of Go or JSON."""
    pairs: dict[str, str] = {}
    at = 0
    while at < len(line):
        found = _PAIR.match(line, at)
        assert found is not None, f"not logfmt from here on: {line[at:]!r}"
        name, value = found.groups()
        assert name not in pairs
        pairs[name] = json.loads(value) if value.startswith('"') else value
        at = found.end()
    return pairs
