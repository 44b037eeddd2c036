"""A plain model of one history: what each account must hold, may hold, and must not hold."""

from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass, field

from support.history.folder import Content, Folder, Path

Held = tuple[str, str]  # account, hash
Replica = tuple[str, Content]  # account, content


@dataclass
class Model:
    """The model of one history. `hashes` has each content's hash, None if it is not an image."""

    hashes: dict[Content, str | None]
    rejected: Set[Content]  # images that the accounts reject
    folders: dict[str, Folder]
    has_grace: bool = False  # of less than a day
    foreign: set[Held] = field(default_factory=set)  # in the account before syncd uploaded them
    used: set[Held] = field(default_factory=set)
    lost: set[Held] = field(default_factory=set)  # removed by hand, and not yet audited
    unknown: set[Held] = field(default_factory=set)  # their origin is lost with the ledger
    ours: set[Replica] = field(default_factory=set)  # recorded as held
    copied: set[Replica] = field(default_factory=set)  # perhaps held: wanted, without a file
    deleted: set[Replica] = field(default_factory=set)  # whose last file was certainly deleted
    doomed: set[Replica] = field(default_factory=set)  # of these, those that must leave
    waiting: set[Replica] = field(default_factory=set)  # of the deleted: until a day has passed
    postponed: set[Replica] = field(default_factory=set)  # of these, those checked again later
    kept: set[Replica] = field(default_factory=set)  # for good
    perhaps_kept: set[Replica] = field(default_factory=set)  # if they were held or sent then
    tried: set[Replica] = field(default_factory=set)  # and rejected: they are not sent again
    absent: dict[str, set[Replica]] = field(default_factory=dict)  # kept until a file is back
    perhaps_absent: dict[str, set[Replica]] = field(default_factory=dict)

    def hash_of(self, content: Content) -> str:
        image_hash = self.hashes[content]
        assert image_hash is not None
        return image_hash

    def wanted(self) -> set[Replica]:
        """Return what the files that syncd has seen want, by the current configuration."""
        return {r for r in self._known() if self.hashes[r[1]] is not None}

    def to_reject(self) -> set[Replica]:
        """Return what the accounts have rejected once everything is in sync."""
        return {r for r in self._known() & self._on_disk() if r[1] in self.rejected}

    def may_be_rejected(self) -> bool:
        """Return whether an image may be sent that the account has not rejected before."""
        known = {r for r in self._known() if r[1] in self.rejected}
        return bool(known - self.tried)

    def _known(self) -> set[Replica]:
        return {
            (account, content)
            for folder in self.folders.values()
            for content in folder.known.values()
            for account in folder.routes
        }

    def present(self) -> set[Replica]:
        """Return what is wanted and has a file on disk: in a suspect folder, that is less."""
        return self.wanted() & self._on_disk()

    def _on_disk(self) -> set[Replica]:
        return {
            (account, content)
            for folder in self.folders.values()
            for content in folder.included.values()
            for account in folder.routes
        }

    def missing(self) -> set[Replica]:
        """Return what must be uploaded or copied."""
        return self.present() - self.ours - self.copied

    def possibly_missing(self) -> set[Replica]:
        """Return what may be uploaded or copied: the model does not know whether it is held."""
        return self._perhaps_wanted() - self.ours | (self.copied & self.wanted())

    def _perhaps_wanted(self) -> set[Replica]:
        return self.wanted().union(*map(self._perhaps_known, self.folders.values()))

    def _perhaps_known(self, folder: Folder) -> set[Replica]:
        return self._replicas(folder, set(folder.perhaps_known.values()))

    def scan(self, *, watched: bool = False) -> None:
        """Scan all folders; `watched` if syncd first looks where events have named files."""
        gone: set[Replica] = set()
        for name, folder in self.folders.items():
            was_doubtful = folder.doubtful
            deleted, unproven = self._scan(folder, watched=watched)
            gone |= deleted
            doubtful = deleted if was_doubtful else set()
            back = self._replicas(folder, set(folder.known.values()))
            for absent, lost in (
                (self.absent, unproven & self.ours),
                (self.perhaps_absent, unproven | doubtful),
            ):
                absent[name] = (absent.get(name, set()) | lost) - back
        self.deleted |= gone
        self.waiting |= gone if self.has_grace else set()
        self.doomed |= gone - self._perhaps_kept()
        self._withdraw()

    def _perhaps_kept(self) -> set[Replica]:
        return self.perhaps_kept.union(*self.perhaps_absent.values())

    def _scan(self, folder: Folder, *, watched: bool) -> tuple[set[Replica], set[Replica]]:
        """Return what has lost a deleted file, and what is kept though it has lost one."""
        seen = folder.included
        same = folder.trusted and not folder.moved
        same_patterns = folder.excludes == folder.excluded_then
        trusted = same and not folder.suspect
        proves = trusted and same_patterns
        replaced_by_links = {
            p: c
            for p, c in folder.known.items()
            if folder.is_replaced_by_link(p) and same and same_patterns
        }
        replaced = {c for p, c in folder.known.items() if p in seen and seen[p] != c}
        vanished = {
            c for p, c in folder.known.items() if p not in seen and p not in replaced_by_links
        }
        if folder.is_emptied and (same_patterns or folder.moved):
            folder.suspect = True
            self._rewritten(folder, folder.known.keys() - replaced_by_links.keys())
            if watched and proves:
                folder.known = replaced_by_links
            return set(), self._replicas(folder, replaced | vanished)
        deleted = (replaced if trusted else set()) | (vanished if proves else set())
        unproven = (set() if trusted else replaced) | (set() if proves else vanished)
        if not proves:
            unproven |= self._rewritten(
                folder, folder.known.keys() - seen.keys() - replaced_by_links.keys()
            )
        perhaps = {
            p: c
            for p, c in folder.known.items()
            if (p not in replaced_by_links and p not in seen)
            and (folder.is_in_other(p) or ("/" in p and (not same or folder.suspect)))
        }
        self.perhaps_kept |= self._replicas(folder, set(perhaps.values()))
        folder.perhaps_known |= perhaps
        folder.perhaps_known = {p: c for p, c in folder.perhaps_known.items() if p not in seen}
        for lost in replaced | vanished:
            folder.lost[lost] = {p for p, c in folder.known.items() if c == lost}
        folder.known, folder.seen = seen | replaced_by_links, len(seen)
        folder.trusted, folder.doubtful = True, folder.doubtful or folder.moved
        folder.excluded_then, folder.moved, folder.suspect = folder.excludes, False, False
        if not folder.propagates:
            return set(), self._replicas(folder, replaced | vanished)
        return self._replicas(folder, deleted), self._replicas(folder, unproven)

    def _rewritten(self, folder: Folder, vanished: Set[Path]) -> set[Content]:
        """Return what files contained before they were rewritten, and vanished without proof.

        Where only some of its files have vanished, an image may be kept.
        """
        former = {
            content: paths
            for content, paths in folder.lost.items()
            if paths & vanished and self._replicas(folder, {content}) & self.deleted
        }
        self.perhaps_kept |= self._replicas(folder, set(former))
        return {content for content, paths in former.items() if paths <= vanished}

    def _replicas(self, folder: Folder, contents: set[Content]) -> set[Replica]:
        return {(a, c) for a in folder.routes for c in contents if self.hashes[c] is not None}

    def reconfigure(self) -> None:
        """Delete only from accounts to which a folder's deletions still propagate."""
        routed = {a for f in self.folders.values() if f.propagates for a in f.routes}
        unrouted = {(a, c) for a, c in self.deleted if a not in routed}
        for folder in self.folders.values():
            parted = folder.fed - set(folder.routes)
            unrouted |= {
                (account, content)
                for account in parted
                for content in folder.known.values()
                if self.hashes[content] is not None
            }
            folder.fed = set(folder.routes)
        self.kept |= unrouted & self.ours
        self.perhaps_kept |= unrouted
        self._withdraw()

    def _withdraw(self) -> None:
        self.deleted -= self.wanted() | self.kept.union(*self.absent.values())
        self.waiting &= self.deleted
        self.doomed &= self.deleted
        self.postponed &= self.doomed

    def objection(self, account: str, image_hash: str, held: Collection[Held]) -> str | None:
        """Return why an image must not be deleted now; None if it may be.

        `held` is what the accounts hold.
        """
        for name, folder in self.folders.items():
            if account not in folder.routes:
                continue
            for where, files in (("is", folder.included), ("was", folder.known)):
                for path, content in files.items():
                    if self.hashes[content] == image_hash:
                        return f"{path} {where} in {name}"
        if (account, image_hash) in self.foreign:
            return "it was in the account before"
        if (account, image_hash) in self.used:
            return "a creative uses it"
        deleted = self.deleted & {(account, c) for c in self._contents_of(image_hash)}
        if not deleted and not any(
            (account, content) in self._perhaps_known(folder)
            for folder in self.folders.values()
            for content in self._contents_of(image_hash)
            if folder.propagates
        ):
            return "none of its files was deleted"
        if deleted and deleted <= self.waiting:
            return "its grace has not ended"
        held = {*held, *self.lost}  # syncd does not know yet what was removed by hand
        if all(self._is_unreplaced(account, c, held) for c in self._contents_of(image_hash)):
            return "the account does not hold what replaced it"
        return None

    def _is_unreplaced(self, account: str, content: Content, held: Collection[Held]) -> bool:
        """Return whether all files that contained it were rewritten by what is not held."""
        for folder in self.folders.values():
            if not folder.propagates or account not in folder.routes:
                continue
            paths = folder.lost.get(content)
            if not paths or not all(
                path in folder.known
                and (account, self.hashes[folder.known[path]] or "") not in held
                for path in paths
            ):
                return False
        return True

    def spare_deleted(self) -> None:
        """Record that the folder became suspect: what is marked for deletion may stay."""
        self.perhaps_kept |= self.deleted
        self.doomed.clear()

    def change_clock(self) -> None:
        """Record that times of uploads cannot be compared any longer: these images may stay."""
        self.perhaps_kept |= self.ours | self.copied | self.wanted() | self.deleted
        self.doomed.clear()

    def pass_a_day(self) -> None:
        """Record that every grace has ended, and that postponed deletions are due again."""
        self.waiting.clear()
        self.postponed.clear()

    def may_look_up(self) -> bool:
        """Return whether syncd may ask accounts about images."""
        due = self.deleted - self.postponed - self.waiting
        return any(account not in self._suspect() for account, _ in due)

    def _suspect(self) -> set[str]:
        return {a for f in self.folders.values() if f.suspect and f.propagates for a in f.routes}

    def postpone(self, account: str, image_hash: str) -> None:
        """Record that a DELETE was lost: syncd waits before it repeats one."""
        replicas = {(account, content) for content in self._contents_of(image_hash)}
        self.postponed |= replicas & self.doomed

    def _contents_of(self, image_hash: str) -> list[Content]:
        return [content for content, its in self.hashes.items() if its == image_hash]

    def remove(self, account: str, image_hash: str) -> None:
        """Remove an image from its account by hand."""
        held = (account, image_hash)
        # Uploaded again, it is as old as it was: perhaps older than any upload that syncd knows.
        self.perhaps_kept |= {(account, c) for c in self._contents_of(image_hash)}
        self.foreign.discard(held)
        self.used.discard(held)
        self.unknown.discard(held)
        self.lost.add(held)

    def forget(self, account: str, image_hash: str) -> None:
        """Record that syncd knows that an image is no longer in its account."""
        self.lost.discard((account, image_hash))
        for content in self._contents_of(image_hash):
            self.ours.discard((account, content))
            self.deleted.discard((account, content))
        self._withdraw()

    def must_hold(self) -> set[Held]:
        uploaded = {(account, self.hash_of(content)) for account, content in self.present()}
        return (uploaded | self.foreign | self.used) - self.lost

    def must_not_hold(self) -> set[Held]:
        return {
            (account, self.hash_of(content))
            for account, content in self.doomed - self.postponed - self.waiting
            if account not in self._suspect() and not self._is_broken(content)
        } - self._kept()

    def _is_broken(self, content: Content) -> bool:
        """Return whether a file that contained it is not an image now."""
        return any(
            path in known and self.hashes[known[path]] is None
            for folder in self.folders.values()
            for known in (folder.known, folder.perhaps_known)
            for path in folder.lost.get(content, ())
        )

    def _kept(self) -> set[Held]:
        """Return what stays though one of its files was deleted, for good or until a recheck."""
        needed = {
            (account, self.hash_of(content))
            for account, content in self.ours | self.wanted()
            if (account, content) not in self.deleted
        }
        needed |= {(account, self.hash_of(content)) for account, content in self._perhaps_kept()}
        return self.foreign | self.used | self.unknown | needed

    def converge(self, held: Iterable[Held]) -> None:
        """Record that syncd has nothing left to do, and what accounts hold then."""
        held = set(held)
        self.ours |= self.present()
        self.tried |= self.to_reject()
        self.copied = (self.copied | self._perhaps_wanted()) - self.ours
        for account, content in set(self.doomed):
            its = (account, self.hash_of(content))
            if its not in held or its in self.foreign:
                self.doomed.discard((account, content))
        doubtful = {a for f in self.folders.values() if f.doubtful for a in f.routes}
        self.postponed = {
            (account, content)
            for account, content in self.doomed
            if account not in self._suspect() | doubtful
            and (account, self.hash_of(content)) in held
            # What awaits its replacement was not looked up, so that no later check is planned.
            and ((account, content) in self.postponed or not self._is_broken(content))
        }
        for account, content in set(self.ours):
            its = (account, self.hash_of(content))
            if its not in held and its not in self.lost:
                self.forget(*its)

    def lose_ledger(self, were_held: Iterable[Held]) -> None:
        """Record that syncd's ledger is lost, and what accounts hold or held before."""
        self.unknown |= set(were_held)
        for known in (
            self.ours,
            self.copied,
            self.deleted,
            self.waiting,
            self.doomed,
            self.postponed,
            self.lost,
            self.kept,
            self.perhaps_kept,
            self.tried,
            self.absent,
            self.perhaps_absent,
        ):
            known.clear()
        for folder in self.folders.values():
            folder.known, folder.perhaps_known, folder.seen = {}, {}, 0
            folder.trusted = folder.moved = folder.suspect = folder.doubtful = False
