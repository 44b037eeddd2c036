"""The limits that keep a class, a function and a file small enough to be read at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "syncd").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

ATTRIBUTES, METHODS = 12, 16
PARAMETERS = 7  # of a constructor or function; commands have one per option
LINES_OF_FUNCTION, LINES_OF_FILE = 60, 400
POSITIONAL = 6  # arguments of one call whose meaning the reader has to count out
CALLS_WITH_POSITIONAL = 25
KEYWORD_ONLY_FROM = 5  # fields of a struct

TABLES = {"syncd/sandbox/switches.py:Switches"}
"""Classes that are tables: one attribute per row."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _nodes(files: list[Path]) -> Iterator[tuple[str, ast.AST]]:
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            yield _name(file), node


def _classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for file, node in _nodes(MODULES):
        if isinstance(node, ast.ClassDef):
            yield f"{file}:{node.name}", node


def _is_struct(node: ast.ClassDef) -> bool:
    return any("Struct" in ast.unparse(base) for base in node.bases)


def _fields(node: ast.ClassDef) -> set[str]:
    return {
        line.target.id
        for line in node.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }


def _attributes(node: ast.ClassDef) -> set[str]:
    """Return the fields of a class and what its methods assign to `self`."""
    assigned = {
        part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute)
        and isinstance(part.ctx, ast.Store)
        and isinstance(part.value, ast.Name)
        and part.value.id == "self"
    }
    return assigned | _fields(node)


def _parameters(node: Function) -> int:
    names = [*node.args.posonlyargs, *node.args.args]
    own = bool(names) and names[0].arg in {"self", "cls"}
    return len(names) + len(node.args.kwonlyargs) - own


def test_a_class_has_few_attributes_and_methods() -> None:
    """A frozen struct may have more fields: it is a record, and its fields are named where used."""
    large = [
        name
        for name, node in _classes()
        if name not in TABLES
        and (
            (len(_attributes(node)) > ATTRIBUTES and not _is_struct(node))
            or sum(isinstance(part, Function) for part in node.body) > METHODS
        )
    ]
    assert large == []


def test_a_function_is_short_and_has_few_parameters() -> None:
    large = [
        f"{file}:{node.lineno} {node.name}"
        for file, node in _nodes(MODULES)
        if isinstance(node, Function)
        and (
            (_parameters(node) > PARAMETERS and not file.startswith("syncd/cli/"))
            or (node.end_lineno or 0) - node.lineno + 1 > LINES_OF_FUNCTION
        )
    ]
    assert large == []


@pytest.mark.parametrize("files", [MODULES, TESTS], ids=["modules", "tests"])
def test_a_file_is_short(files: list[Path]) -> None:
    long = [
        _name(file)
        for file in files
        if len(file.read_text(encoding="utf-8").splitlines()) > LINES_OF_FILE
    ]
    assert long == []


def test_a_struct_of_many_fields_takes_keywords_only() -> None:
    loose = [
        name
        for name, node in _classes()
        if _is_struct(node)
        and len(_fields(node)) >= KEYWORD_ONLY_FROM
        and not any(keyword.arg == "kw_only" for keyword in node.keywords)
    ]
    assert loose == []


def test_few_calls_pass_many_positional_arguments() -> None:
    many = [
        f"{file}:{node.lineno}"
        for file, node in _nodes(MODULES)
        if isinstance(node, ast.Call)
        and sum(not isinstance(given, ast.Starred) for given in node.args) >= POSITIONAL
    ]
    assert len(many) <= CALLS_WITH_POSITIONAL, many
