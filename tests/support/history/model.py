"""What is right, in plain Python: what each account must hold, may hold, and must hold no more."""

from collections.abc import Iterable
from dataclasses import dataclass, field

Path = str
Content = int
Held = tuple[str, str]  # account, hash
Replica = tuple[str, Content]  # account, content


@dataclass
class Folder:
    """A folder: as it is on disk, and as syncd has seen it at last."""

    own: str
    propagates: bool
    mirrors: tuple[str, ...] = ()
    excludes: bool = False  # every name that begins with x
    files: dict[Path, Content] = field(default_factory=dict)
    known: dict[Path, Content] = field(default_factory=dict)
    seen: int = 0  # files, by the last scan that was believed
    trusted: bool = False
    excluded_then: bool = False
    moved: bool = False  # its root is another directory since
    suspect: bool = False

    @property
    def routes(self) -> tuple[str, ...]:
        return (self.own, *self.mirrors)

    @property
    def included(self) -> dict[Path, Content]:
        return {p: c for p, c in self.files.items() if not (self.excludes and _is_x(p))}

    @property
    def shows_nothing(self) -> bool:
        return self.trusted and self.seen > 0 and not self.included


def _is_x(path: Path) -> bool:
    return path.rpartition("/")[2].startswith("x")


@dataclass
class Wishes:
    """The model of one history. `hashes` has each content's hash; None is no image at all."""

    hashes: dict[Content, str | None]
    folders: dict[str, Folder]
    theirs: set[Held] = field(default_factory=set)  # somebody else's: they were there before
    used: set[Held] = field(default_factory=set)
    lost: set[Held] = field(default_factory=set)  # taken away by hand, and no audit since
    murky: set[Held] = field(default_factory=set)  # nobody knows any more who brought it
    ours: set[Replica] = field(default_factory=set)  # recorded as held
    copied: set[Replica] = field(default_factory=set)  # perhaps held: wanted, without a file
    deleted: set[Replica] = field(default_factory=set)  # last files that were deleted for sure
    doomed: set[Replica] = field(default_factory=set)  # of these, what must leave its account
    patient: set[Replica] = field(default_factory=set)  # of these, what is asked about tomorrow

    def hash_of(self, content: Content) -> str:
        image_hash = self.hashes[content]
        assert image_hash is not None
        return image_hash

    def wanted(self) -> set[Replica]:
        """What files want that syncd has seen, as the configuration is now."""
        return {
            (account, content)
            for folder in self.folders.values()
            for content in folder.known.values()
            if self.hashes[content] is not None
            for account in folder.routes
        }

    def present(self) -> set[Replica]:
        """What is wanted, and has a file: in a folder that is doubted, that is less."""
        return self.wanted() & {
            (account, content)
            for folder in self.folders.values()
            for content in folder.included.values()
            for account in folder.routes
        }

    def missing(self) -> set[Replica]:
        """What must be brought."""
        return self.present() - self.ours - self.copied

    def bringable(self) -> set[Replica]:
        """What may be brought: some of it may be held, and what has no file may be copied."""
        return (self.wanted() - self.ours) | (self.copied & self.wanted())

    def scanned(self, *, told: bool = False) -> None:
        """Syncd looks at everything; `told`, it was told first where something has happened."""
        before = {
            (account, content)
            for folder in self.folders.values()
            if not folder.propagates
            for content in folder.known.values()
            for account in folder.routes
        }
        gone: set[Replica] = set()
        for folder in self.folders.values():
            deleted, unproven = self._scan(folder, told=told)
            gone |= deleted
            before |= unproven
        gone -= self.wanted()
        self.deleted |= gone
        self.doomed |= gone - before  # else it depends on which file is looked at first
        self._want()

    def _scan(self, folder: Folder, *, told: bool) -> tuple[set[Replica], set[Replica]]:
        """Return what has lost a file that was deleted, and one that may be elsewhere."""
        seen = folder.included
        same = folder.trusted and not folder.moved
        same_patterns = folder.excludes == folder.excluded_then
        undoubted = same and not folder.suspect
        proves = undoubted and same_patterns
        replaced = {c for p, c in folder.known.items() if p in seen and seen[p] != c}
        vanished = {c for p, c in folder.known.items() if p not in seen}
        if folder.shows_nothing and (same_patterns or folder.moved):
            folder.suspect = True
            if told and proves:
                folder.known = {}
            return set(), set()
        deleted = (replaced if undoubted else set()) | (vanished if proves else set())
        unproven = set[Content]() if proves else vanished
        folder.known, folder.seen, folder.trusted = dict(seen), len(seen), True
        folder.excluded_then, folder.moved, folder.suspect = folder.excludes, False, False
        if not folder.propagates:
            return set(), set()
        return self._replicas(folder, deleted), self._replicas(folder, unproven)

    def _replicas(self, folder: Folder, contents: set[Content]) -> set[Replica]:
        return {(a, c) for a in folder.routes for c in contents if self.hashes[c] is not None}

    def configured(self) -> None:
        """Nothing is deleted any more where no folder that says so leads."""
        routed = {a for f in self.folders.values() if f.propagates for a in f.routes}
        self.deleted = {(a, c) for a, c in self.deleted if a in routed}
        self._want()

    def _want(self) -> None:
        self.deleted -= self.wanted()
        self.doomed &= self.deleted
        self.patient &= self.doomed

    def may_delete(self, account: str, image_hash: str) -> str | None:
        """Return what speaks against deleting an image at this moment, None when nothing does."""
        for name, folder in self.folders.items():
            if account not in folder.routes:
                continue
            for where, files in (("lies", folder.included), ("was", folder.known)):
                for path, content in files.items():
                    if self.hashes[content] == image_hash:
                        return f"{path} {where} in {name}"
        if (account, image_hash) in self.theirs:
            return "somebody else brought it"
        if (account, image_hash) in self.used:
            return "a creative uses it"
        if not any((account, c) in self.deleted for c in self.sharing(image_hash)):
            return "no file was deleted that it was the image of"
        return None

    def sharing(self, image_hash: str) -> list[Content]:
        return [content for content, its in self.hashes.items() if its == image_hash]

    def left(self, account: str, image_hash: str) -> None:
        """An image is in its account no more."""
        held = (account, image_hash)
        self.theirs.discard(held)
        self.used.discard(held)
        self.murky.discard(held)

    def forgotten(self, account: str, image_hash: str) -> None:
        """Syncd knows that an image is in its account no more."""
        self.lost.discard((account, image_hash))
        for content in self.sharing(image_hash):
            self.ours.discard((account, content))
            self.deleted.discard((account, content))
        self._want()

    def must_hold(self) -> set[Held]:
        brought = {(account, self.hash_of(content)) for account, content in self.present()}
        return (brought | self.theirs | self.used) - self.lost

    def must_not_hold(self) -> set[Held]:
        doubted = {a for f in self.folders.values() if f.suspect for a in f.routes}
        return {
            (account, self.hash_of(content))
            for account, content in self.doomed - self.patient
            if account not in doubted
        } - self.kept()

    def kept(self) -> set[Held]:
        """What stays though a file of it was deleted: for good, or until it is looked at again."""
        needed = {
            (account, self.hash_of(content))
            for account, content in self.ours | self.wanted()
            if (account, content) not in self.deleted
        }
        return self.theirs | self.used | self.murky | needed

    def rests(self, held: Iterable[Held]) -> None:
        """All is done that there is to do, and accounts hold this."""
        held = set(held)
        self.ours |= self.present()
        self.copied = (self.copied | self.wanted()) - self.ours
        for account, content in set(self.doomed):
            its = (account, self.hash_of(content))
            if its not in held or its in self.theirs:
                self.doomed.discard((account, content))
        self.patient = {(a, c) for a, c in self.doomed if (a, self.hash_of(c)) in held}
        for account, content in set(self.ours):
            its = (account, self.hash_of(content))
            if its not in held and its not in self.lost:
                self.forgotten(*its)

    def ledger_lost(self, held: Iterable[Held]) -> None:
        """Syncd knows nothing any more: what is there, is there; some of it will be known again."""
        self.murky |= set(held)
        for known in (self.ours, self.copied, self.deleted, self.doomed, self.patient, self.lost):
            known.clear()
        for folder in self.folders.values():
            folder.known, folder.seen = {}, 0
            folder.trusted = folder.moved = folder.suspect = False
