"""The setting of a unit that is named for a restriction, and the drop-in that is proposed."""

import pytest

from syncd.check.drop_in import (
    Effect,
    Restriction,
    blamed_setting,
    drop_in_commands,
    network_lines,
    paths_of,
    program_lines,
    proposed_lines,
    quote_path,
    sources_of,
    split_words,
)

HIDES, PROTECTS = Effect.HIDES, Effect.PROTECTS
STRICT, TMPFS, PRIVATE_TMP = (
    ("ProtectSystem", "strict"),
    ("ProtectHome", "tmpfs"),
    ("PrivateTmp", "yes"),
)


@pytest.mark.parametrize(
    ("settings", "effect", "at", "blamed"),
    [
        ([TMPFS, STRICT], HIDES, "/home", "ProtectHome=tmpfs"),
        ([("ProtectHome", "true")], HIDES, "/root", "ProtectHome=true"),
        ([("ProtectHome", "no")], HIDES, "/home", None),
        ([("ProtectHome", "read-only"), STRICT], PROTECTS, "/home/a", "ProtectHome=read-only"),
        ([TMPFS, STRICT], PROTECTS, "/srv/a", "ProtectSystem=strict"),
        ([PRIVATE_TMP], HIDES, "/tmp", "PrivateTmp=yes"),
        ([PRIVATE_TMP], HIDES, "/srv", None),
        ([("TemporaryFileSystem", "/a /srv:ro")], HIDES, "/srv", "TemporaryFileSystem=/srv"),
        ([("InaccessiblePaths", "-/srv/a")], HIDES, "/srv/a", "InaccessiblePaths=/srv/a"),
        ([("BindPaths", "/b:/srv/a:rbind")], HIDES, "/srv/a", "BindPaths=/srv/a"),
        ([("BindReadOnlyPaths", "/srv"), STRICT], PROTECTS, "/srv/a", "BindReadOnlyPaths=/srv"),
        ([("ReadOnlyPaths", "/srv /srv/a")], PROTECTS, "/srv/a", "ReadOnlyPaths=/srv/a"),
        ([("RootDirectory", "/jail")], HIDES, "/", "RootDirectory=/jail"),
        ([], HIDES, "/", None),
        ([], PROTECTS, "/srv", None),
    ],
)
def test_the_setting_that_restricts_a_path_is_named(
    settings: list[tuple[str, str]], effect: Effect, at: str, blamed: str | None
) -> None:
    assert blamed_setting(settings, Restriction(effect, at)) == blamed


@pytest.mark.parametrize(
    ("settings", "effect", "writes", "lines"),
    [
        ([STRICT], PROTECTS, True, ("ReadWritePaths=/home/a",)),
        ([TMPFS], HIDES, False, ("BindReadOnlyPaths=/home/a",)),
        ([TMPFS], HIDES, True, ("BindPaths=/home/a",)),
        (
            [("ProtectHome", "yes")],
            HIDES,
            False,
            ("ProtectHome=tmpfs", "BindReadOnlyPaths=/home/a"),
        ),
    ],
)
def test_the_proposed_lines_let_the_service_see_or_write(
    settings: list[tuple[str, str]], effect: Effect, writes: bool, lines: tuple[str, ...]
) -> None:
    restriction = Restriction(effect, "/home")
    assert proposed_lines(settings, restriction, "/home/a", writes=writes) == lines


def test_each_setting_that_restricts_the_network_is_lifted_by_a_line() -> None:
    families = ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6")
    settings = [("PrivateNetwork", "yes"), ("User", "a"), ("IPAddressDeny", "any"), families]
    assert network_lines(settings) == (
        ("PrivateNetwork=yes", "PrivateNetwork=no"),
        ("IPAddressDeny=any", "IPAddressDeny="),
    )
    assert network_lines([("PrivateNetwork", "no")]) == ()


def test_a_program_below_root_is_bound_and_one_elsewhere_becomes_executable() -> None:
    narrow = [("NoExecPaths", "/"), ("ExecPaths", "/usr")]
    bound = ("ProtectHome=tmpfs", "BindReadOnlyPaths=/root/v")
    assert program_lines(narrow, ["/opt/v"]) == (("ExecPaths=/opt/v",),)
    assert program_lines([], ["/opt/v"]) == ()
    assert program_lines([], ["/usr/bin", "/root/v"])[0] == bound
    assert program_lines(narrow, ["/root/v"])[-1] == (*bound, "ExecPaths=/root/v")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a  b", ["a", "b"]),
        ('"a b" c', ["a b", "c"]),
        (r"a\ b 'c d'", ["a b", "c d"]),
        (r'"a\"b"', ['a"b']),
        ("", []),
    ],
)
def test_a_value_is_split_as_systemd_splits_it(value: str, words: list[str]) -> None:
    assert split_words(value) == words


def test_paths_are_those_of_the_service_and_sources_those_of_the_machine() -> None:
    value = "/a:/b:rbind -/c /d/ +/e"
    assert paths_of(value) == ["/b", "/c", "/d", "/e"]
    assert sources_of(value) == ["/a", "/d/", "/e"]


@pytest.mark.parametrize(
    ("path", "quoted"),
    [("/srv/a", "/srv/a"), ("/a b%", '"/a b%%"'), ('/a"b\\', '"/a\\"b\\\\"'), ("/a:b", '"/a:b"')],
)
def test_a_path_is_quoted_for_a_setting(path: str, quoted: str) -> None:
    assert quote_path(path) == quoted


def test_a_drop_in_is_written_loaded_and_applied() -> None:
    commands = drop_in_commands("syncd.service", ["A=1"])
    assert [command.words[0] for command in commands] == ["mkdir", "tee", "systemctl", "systemctl"]
    assert commands[1].input_lines == ("[Service]", "A=1")
    assert commands[3].words == ("systemctl", "try-restart", "syncd")
