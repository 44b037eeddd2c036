"""Paths that a unit hides or makes read-only; the setting for the longest path applies."""

import pytest

from syncd.check.shell import Command
from syncd.check.unit_sandbox import (
    UnitSandbox,
    bind_mount_above,
    drop_in_commands,
    drop_in_lines,
    hidden_by,
    quote_path,
    read_only_by,
)

SHIPPED = UnitSandbox(
    protect_home="tmpfs",
    protect_system="strict",
    private_tmp=True,
    read_write_paths=("/var/lib/syncd",),
)
INSTANCE = UnitSandbox(
    protect_home="tmpfs",
    protect_system="strict",
    private_tmp=True,
    read_write_paths=("/var/lib/syncd/eu",),
    bind_paths=("/var/lib/syncd/eu",),
    temporary_file_systems=("/var/lib/syncd",),
)
BOUND = UnitSandbox(
    protect_home="tmpfs", bind_paths=("/home/a/w",), bind_read_only_paths=("/home/b",)
)


@pytest.mark.parametrize(
    ("sandbox", "path", "setting"),
    [
        (SHIPPED, "/srv/a", None),
        (SHIPPED, "/home", "ProtectHome=tmpfs"),
        (SHIPPED, "/home/anna/a", "ProtectHome=tmpfs"),
        (SHIPPED, "/homes/anna", None),
        (SHIPPED, "/root/a", "ProtectHome=tmpfs"),
        (SHIPPED, "/run/user/1000", "ProtectHome=tmpfs"),
        (SHIPPED, "/run/a", None),
        (SHIPPED, "/tmp/a", "PrivateTmp=yes"),
        (SHIPPED, "/var/tmp/a", "PrivateTmp=yes"),
        (INSTANCE, "/var/lib/syncd/eu/ledger.db", None),
        (INSTANCE, "/var/lib/syncd/us/ledger.db", "TemporaryFileSystem=/var/lib/syncd"),
        (BOUND, "/home/b/c", None),
        (BOUND, "/home/a/w", None),
        (BOUND, "/home/a", "ProtectHome=tmpfs"),
        (
            UnitSandbox(protect_home="yes", bind_read_only_paths=("/home/b",)),
            "/home/b",
            "ProtectHome=yes",
        ),
        (UnitSandbox(protect_home="read-only"), "/home/b", None),
        (UnitSandbox(inaccessible_paths=("/srv/x",)), "/srv/x/y", "InaccessiblePaths=/srv/x"),
        (
            UnitSandbox(inaccessible_paths=("/srv/x",), bind_paths=("/srv/x/y",)),
            "/srv/x/y",
            "InaccessiblePaths=/srv/x",
        ),
        (UnitSandbox(), "/tmp/a", None),
    ],
)
def test_a_path_is_hidden_by_the_setting_for_the_longest_directory(
    sandbox: UnitSandbox, path: str, setting: str | None
) -> None:
    found = hidden_by(sandbox, path)
    assert (None if found is None else str(found)) == setting


@pytest.mark.parametrize(
    ("sandbox", "path", "setting"),
    [
        (SHIPPED, "/var/lib/syncd", None),
        (SHIPPED, "/var/lib/syncdx", "ProtectSystem=strict"),
        (SHIPPED, "/srv/ledger", "ProtectSystem=strict"),
        (SHIPPED, "/tmp/ledger", None),
        (INSTANCE, "/var/lib/syncd/eu", None),
        (UnitSandbox(protect_system="full"), "/etc/syncd", "ProtectSystem=full"),
        (UnitSandbox(protect_system="full"), "/srv", None),
        (UnitSandbox(protect_system="yes"), "/etc/syncd", None),
        (UnitSandbox(protect_system="yes"), "/usr/a", "ProtectSystem=yes"),
        (UnitSandbox(protect_system="strict", read_write_paths=("/srv",)), "/srv/ledger", None),
        (
            UnitSandbox(read_write_paths=("/srv",), read_only_paths=("/srv/a",)),
            "/srv/a",
            "ReadOnlyPaths=/srv/a",
        ),
        (BOUND, "/home/b/c", "BindReadOnlyPaths=/home/b"),
        (BOUND, "/home/a/w", None),
        (UnitSandbox(protect_home="read-only"), "/home/b", "ProtectHome=read-only"),
    ],
)
def test_a_path_is_read_only_by_the_setting_for_the_longest_directory(
    sandbox: UnitSandbox, path: str, setting: str | None
) -> None:
    found = read_only_by(sandbox, path)
    assert (None if found is None else str(found)) == setting


def test_a_path_inside_a_bind_mount_is_reached_through_it() -> None:
    assert bind_mount_above(BOUND, "/home/b/c") == "/home/b"
    assert bind_mount_above(BOUND, "/home/a") is None


@pytest.mark.parametrize(
    ("sandbox", "path", "lines"),
    [
        (SHIPPED, "/home/a", ("BindReadOnlyPaths=/home/a",)),
        (
            UnitSandbox(protect_home="yes"),
            "/home/a",
            ("ProtectHome=tmpfs", "BindReadOnlyPaths=/home/a"),
        ),
        (SHIPPED, "/tmp/a", None),
        (UnitSandbox(inaccessible_paths=("/srv",)), "/srv/a", None),
        (INSTANCE, "/var/lib/syncd/us", ("BindReadOnlyPaths=/var/lib/syncd/us",)),
    ],
)
def test_a_drop_in_binds_a_hidden_path_where_that_is_possible(
    sandbox: UnitSandbox, path: str, lines: tuple[str, ...] | None
) -> None:
    restriction = hidden_by(sandbox, path)
    assert restriction is not None
    assert drop_in_lines(restriction, path) == lines
    if lines is not None:
        to_write = drop_in_lines(restriction, path, to_write=True)
        assert to_write == (*lines[:-1], lines[-1].replace("BindReadOnlyPaths", "BindPaths"))


def test_a_drop_in_is_appended_and_the_unit_restarted() -> None:
    create, append, *restart = drop_in_commands("syncd@eu.service", ["A=b"])
    assert create == Command(("mkdir", "-p", "/etc/systemd/system/syncd@eu.service.d"))
    assert append.words[:2] == ("tee", "-a")
    assert append.input_lines == ("[Service]", "A=b")
    assert [c.words for c in restart] == [
        ("systemctl", "daemon-reload"),
        ("systemctl", "try-restart", "syncd@eu"),
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/srv/a", "/srv/a"),
        ("/srv/50%", "/srv/50%%"),
        ("/srv/a b:c", '"/srv/a b:c"'),
        ('/srv/"\\', '"/srv/\\"\\\\"'),
    ],
)
def test_a_path_is_quoted_for_systemd(path: str, value: str) -> None:
    assert quote_path(path) == value
