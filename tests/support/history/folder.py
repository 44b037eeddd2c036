"""A folder of a history, as the model knows it."""

from dataclasses import dataclass, field

Path = str
Content = int


@dataclass
class Folder:
    """A folder as it is on disk, and as syncd has last seen it."""

    own: str
    propagates: bool
    mirrors: tuple[str, ...] = ()
    excludes: bool = False  # all names that begin with x
    files: dict[Path, Content] = field(default_factory=dict)
    links: set[Path] = field(default_factory=set)  # that have replaced files, or directories ("d/")
    known: dict[Path, Content] = field(default_factory=dict)
    perhaps_known: dict[Path, Content] = field(default_factory=dict)
    """Files that vanished from what may be other directories than before."""
    others: set[Path] = field(default_factory=set)
    """Directories that syncd does not recognize: files that vanish from them may stay known."""
    seen: int = 0  # files, at the last trusted scan
    trusted: bool = False
    excluded_then: bool = False  # `excludes` at the last trusted scan
    moved: bool = False  # its root has become another directory since then
    suspect: bool = False
    doubtful: bool = False  # perhaps suspect: its root has become a directory that may not match
    lost: dict[Content, set[Path]] = field(default_factory=dict)  # where each was last
    fed: set[str] = field(default_factory=set)  # `routes` at the last start

    @property
    def routes(self) -> tuple[str, ...]:
        return (self.own, *self.mirrors)

    @property
    def included(self) -> dict[Path, Content]:
        return {p: c for p, c in self.files.items() if not (self.excludes and _is_x(p))}

    def is_below_link(self, path: Path) -> bool:
        """Return whether a directory above this path is a link."""
        return any(link.endswith("/") and path.startswith(link) for link in self.links)

    def is_replaced_by_link(self, path: Path) -> bool:
        return path in self.links or self.is_below_link(path)

    def is_in_other(self, path: Path) -> bool:
        """Return whether a directory above this path is one that syncd does not recognize."""
        return any(path.startswith(directory) for directory in self.others)

    @property
    def is_emptied(self) -> bool:
        return self.trusted and self.seen > 0 and not self.included


def _is_x(path: Path) -> bool:
    return path.rpartition("/")[2].startswith("x")
