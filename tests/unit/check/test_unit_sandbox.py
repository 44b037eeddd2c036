"""What a unit hides from its service: of two settings, the one for the longer path holds."""

import pytest

from syncd.check.shell import Command
from syncd.check.unit_sandbox import (
    Walls,
    drop_in,
    hidden_by,
    lines_to_show,
    sealed_by,
    window,
    written,
)

SHIPPED = Walls(home="tmpfs", system="strict", private_tmp=True, writable=("/var/lib/syncd",))
INSTANCE = Walls(
    home="tmpfs",
    system="strict",
    private_tmp=True,
    writable=("/var/lib/syncd/eu",),
    bound=("/var/lib/syncd/eu",),
    emptied=("/var/lib/syncd",),
)
BOUND = Walls(home="tmpfs", bound=("/home/a/w",), bound_read_only=("/home/b",))


@pytest.mark.parametrize(
    ("walls", "path", "hidden"),
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
        (Walls(home="yes", bound_read_only=("/home/b",)), "/home/b", "ProtectHome=yes"),
        (Walls(home="read-only"), "/home/b", None),
        (Walls(inaccessible=("/srv/x",)), "/srv/x/y", "InaccessiblePaths=/srv/x"),
        (
            Walls(inaccessible=("/srv/x",), bound=("/srv/x/y",)),
            "/srv/x/y",
            "InaccessiblePaths=/srv/x",
        ),
        (Walls(), "/tmp/a", None),
    ],
)
def test_what_the_service_does_not_see(walls: Walls, path: str, hidden: str | None) -> None:
    found = hidden_by(walls, path)
    assert (None if found is None else str(found)) == hidden


@pytest.mark.parametrize(
    ("walls", "path", "sealed"),
    [
        (SHIPPED, "/var/lib/syncd", None),
        (SHIPPED, "/var/lib/syncdx", "ProtectSystem=strict"),
        (SHIPPED, "/srv/ledger", "ProtectSystem=strict"),
        (SHIPPED, "/tmp/ledger", None),
        (INSTANCE, "/var/lib/syncd/eu", None),
        (Walls(system="full"), "/etc/syncd", "ProtectSystem=full"),
        (Walls(system="full"), "/srv", None),
        (Walls(system="yes"), "/etc/syncd", None),
        (Walls(system="yes"), "/usr/a", "ProtectSystem=yes"),
        (Walls(system="strict", writable=("/srv",)), "/srv/ledger", None),
        (Walls(writable=("/srv",), read_only=("/srv/a",)), "/srv/a", "ReadOnlyPaths=/srv/a"),
        (BOUND, "/home/b/c", "BindReadOnlyPaths=/home/b"),
        (BOUND, "/home/a/w", None),
        (Walls(home="read-only"), "/home/b", "ProtectHome=read-only"),
    ],
)
def test_where_the_service_may_not_write(walls: Walls, path: str, sealed: str | None) -> None:
    found = sealed_by(walls, path)
    assert (None if found is None else str(found)) == sealed


def test_what_is_bound_is_not_reached_from_above() -> None:
    assert window(BOUND, "/home/b/c") == "/home/b"
    assert window(BOUND, "/home/a") is None


@pytest.mark.parametrize(
    ("walls", "path", "lines"),
    [
        (SHIPPED, "/home/a", ("BindReadOnlyPaths=/home/a",)),
        (Walls(home="yes"), "/home/a", ("ProtectHome=tmpfs", "BindReadOnlyPaths=/home/a")),
        (SHIPPED, "/tmp/a", None),
        (Walls(inaccessible=("/srv",)), "/srv/a", None),
        (INSTANCE, "/var/lib/syncd/us", ("BindReadOnlyPaths=/var/lib/syncd/us",)),
    ],
)
def test_what_a_drop_in_says(walls: Walls, path: str, lines: tuple[str, ...] | None) -> None:
    screen = hidden_by(walls, path)
    assert screen is not None
    assert lines_to_show(screen, path) == lines
    if lines is not None:
        to_write = lines_to_show(screen, path, to_write=True)
        assert to_write == (*lines[:-1], lines[-1].replace("BindReadOnlyPaths", "BindPaths"))


def test_a_drop_in_adds_to_what_is_there_and_comes_into_force() -> None:
    making, adding, *telling = drop_in("syncd@eu.service", ["A=b"])
    assert making == Command(("mkdir", "-p", "/etc/systemd/system/syncd@eu.service.d"))
    assert adding.words[:2] == ("tee", "-a")
    assert adding.reads == ("[Service]", "A=b")
    assert [c.words for c in telling] == [
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
def test_a_path_is_written_as_systemd_reads_it(path: str, value: str) -> None:
    assert written(path) == value
