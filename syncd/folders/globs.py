"""A list of gitignore patterns as one question about a path, in which case does not matter."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence

Question = Callable[[str], bool]
Rule = tuple[str, bool]  # a regular expression, and whether its match is a yes

FLAGS = re.IGNORECASE | re.DOTALL  # a name may hold a newline
DIRECTORY_MARK = "(?P<ps_d>/)"  # pathspec's; a group's name can stand only once in an expression
BY_TYPE = re.compile(r"\*\.([a-z0-9_-]+) *", re.IGNORECASE | re.ASCII)


def question(patterns: Iterable[str]) -> Question:
    """Return what tells whether a path is matched; a directory is asked for with a slash behind it.

    The last pattern that matches decides, as gitignore(5) has it. Raises ValueError for a pattern
    that is none.
    """
    return _question([_rule(pattern) for pattern in patterns])


def question_of_files(patterns: Iterable[str]) -> Question:
    """Return the same, but that `*.jpg` does not match what lies in a directory named `x.jpg`."""
    return _question([_rule_of_files(pattern) for pattern in patterns])


def only_types(patterns: Sequence[str]) -> frozenset[bytes] | None:
    """Return what may stand behind the last dot of a name, if that is all that they ask for."""
    matches = [BY_TYPE.fullmatch(pattern) for pattern in patterns]
    types = frozenset(match[1].lower().encode() for match in matches if match)
    return types if all(matches) else None


def _question(rules: Iterable[Rule | None]) -> Question:
    known = [rule for rule in rules if rule]
    if not known:
        return lambda _: False
    if all(wanted for _, wanted in known):
        return _any_of([expression for expression, _ in known])
    return _last_of([(_compiled(expression), wanted) for expression, wanted in known])


def _any_of(expressions: list[str]) -> Question:
    search = _compiled("|".join(f"(?:{e})" for e in expressions)).search
    return lambda path: search(path) is not None


def _last_of(rules: list[tuple[re.Pattern[str], bool]]) -> Question:
    last_first = rules[::-1]
    return lambda path: next((wanted for e, wanted in last_first if e.search(path)), False)


def _rule(pattern: str) -> Rule | None:
    rule = _translated(pattern)
    try:
        _compiled(rule[0] if rule else "")
    except re.error as error:
        raise ValueError(f"{pattern!r} is no gitignore pattern: {error.msg}") from error
    return rule


def _translated(pattern: str) -> Rule | None:
    # 40 ms of imports, and by default no folder asks for more than types.
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415

    expression, wanted = GitIgnoreSpecPattern.pattern_to_regex(pattern)
    if expression is None or wanted is None:
        return None  # empty, a comment, or what git would pass over
    if expression.endswith("|$)"):
        expression = expression.removesuffix("|$)") + r"|\Z)"  # `$` also matches before a newline
    elif expression.endswith("/"):
        expression += "."  # `a/**` is everything in `a`, but not `a`
    return expression.replace(DIRECTORY_MARK, "/"), wanted


def _rule_of_files(pattern: str) -> Rule | None:
    if match := BY_TYPE.fullmatch(pattern):
        return rf"\.{re.escape(match[1])}\Z", True
    return _rule(pattern)


def _compiled(expression: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # `[[]` is the usual way to ask for a [
        return re.compile(expression, FLAGS)
