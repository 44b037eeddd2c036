"""A configuration of several files: what is included, and where each mistake is reported."""

import os
from pathlib import Path

import pytest

from syncd.config import Config, ConfigError, SecretFile, load
from syncd.model import AccountName, FolderName

MAIN = """
include = ["conf.d/*.toml"]
[graph]
token = { file = "token" }
[ledger]
path = "state/ledger.db"
[accounts.main]
id = "1"
"""
SPRING = '[folders.spring]\npath = "pictures"\naccount = "main"\n'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "conf.d").mkdir()
    return tmp_path


def read(directory: Path, main: str = MAIN, **files: str) -> Config:
    for name, text in files.items():
        (directory / "conf.d" / f"{name}.toml").write_text(text)
    file = directory / "syncd.toml"
    file.write_text(main)
    return load(file, {})


def problems(directory: Path, main: str = MAIN, **files: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(directory, main, **files)
    return [
        f"{one.file.relative_to(directory)}:{one.line}: {one.key}: {one.message}".replace(
            f"{directory}/", ""
        )
        for one in caught.value.problems
    ]


def test_relative_paths_begin_in_the_directory_of_their_own_file(directory: Path) -> None:
    config = read(directory, spring=SPRING)
    assert config.included == (directory / "conf.d/spring.toml",)
    assert config.folders[FolderName("spring")].path == bytes(directory / "conf.d/pictures")
    assert config.ledger.path == directory / "state/ledger.db"
    assert config.graph.token == SecretFile(str(directory / "token"))


def test_a_path_may_begin_with_the_home_directory(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    config = read(directory, spring=SPRING.replace("pictures", "~/pictures"))
    assert config.folders[FolderName("spring")].path == b"/home/someone/pictures"


def test_sections_of_several_files_are_merged_and_read_in_the_order_of_their_names(
    directory: Path,
) -> None:
    config = read(
        directory,
        b='[accounts.eu]\nid = "2"\n',
        a=f'[watch]\nsettle = "5s"\n{SPRING}',
        c='[watch]\nrescan = "1h"\n',
    )
    assert list(config.accounts) == [AccountName("main"), AccountName("eu")]
    assert (config.watch.settle, config.watch.rescan) == (5, 3600)
    assert [file.name for file in config.included] == ["a.toml", "b.toml", "c.toml"]


def test_an_included_file_is_read_again_by_each_load(directory: Path) -> None:
    assert len(read(directory, spring=SPRING).accounts) == 1
    assert len(read(directory, eu='[accounts.eu]\nid = "2"\n').accounts) == 2


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"spring": SPRING, "twice": SPRING},
            ["conf.d/twice.toml:1: folders.spring: is also in conf.d/spring.toml:1"],
        ),
        (
            {"spring": SPRING, "other": '\n[accounts.main]\nid = "9"\n'},
            ["conf.d/other.toml:2: accounts.main: is also in syncd.toml:7"],
        ),
        (
            {"spring": SPRING, "graph": '[graph]\ntoken = { env = "T" }\n'},
            ["conf.d/graph.toml:2: graph.token: is also in syncd.toml:4"],
        ),
        (
            {"spring": SPRING.replace("main", "us")},
            ['conf.d/spring.toml:3: folders.spring.account: the account "us" is not configured'],
        ),
        (
            {"spring": f'include = ["other.toml"]\n{SPRING}'},
            ["conf.d/spring.toml:1: include: a file that is included cannot include others"],
        ),
        (
            {"spring": SPRING, "wrong": "[watch\n"},
            ["conf.d/wrong.toml:1: : column 7: Expected ']' at the end of a table declaration"],
        ),
    ],
)
def test_a_mistake_names_the_file_and_the_line(
    directory: Path, files: dict[str, str], expected: list[str]
) -> None:
    assert problems(directory, **files) == expected


@pytest.mark.parametrize("again", ["conf.d/spring.toml", "syncd.toml", "*.toml"])
def test_a_file_that_is_included_twice_or_includes_itself_is_a_mistake(
    directory: Path, again: str
) -> None:
    main = MAIN.replace('["conf.d/*.toml"]', f'["conf.d/*.toml", "{again}"]')
    (found,) = problems(directory, main, spring=SPRING)
    assert found.startswith("syncd.toml:2: include: includes ")


def test_a_pattern_may_match_nothing_and_a_path_has_to_exist(directory: Path) -> None:
    whole = MAIN + SPRING
    assert read(directory, whole).included == ()
    main = whole.replace("conf.d/*.toml", "conf.d/spring.toml")
    assert problems(directory, main) == ["conf.d/spring.toml:None: : the file does not exist"]


def test_a_fifo_that_a_pattern_matches_is_a_mistake_and_is_not_read(directory: Path) -> None:
    os.mkfifo(directory / "conf.d" / "pipe.toml")
    assert problems(directory, MAIN + SPRING) == [
        "syncd.toml:2: include: includes conf.d/pipe.toml, which is not a regular file"
    ]


def test_a_wrong_value_of_include_is_a_mistake(directory: Path) -> None:
    main = (MAIN + SPRING).replace('["conf.d/*.toml"]', '"conf.d/*.toml"')
    assert problems(directory, main) == ["syncd.toml:2: include: expected an array, got a string"]


def test_files_add_receivers_whose_mistakes_have_their_own_lines(directory: Path) -> None:
    receiver = '[[notify]]\nurl = {{ env = "{}" }}\n'
    main = MAIN + receiver.format("A")
    config = read(directory, main, one=SPRING + receiver.format("B"), two=receiver.format("C"))
    assert [one.name for one in config.notify] == [f"the variable {name}" for name in "ABC"]
    wrong = receiver.format("D") + "every = 1\n"
    assert problems(directory, main, two=wrong) == [
        "conf.d/two.toml:3: notify[3].every: expected a string with a unit, got the integer 1"
    ]
