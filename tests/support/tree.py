"""A folder whose files are changed at random, one operation after another."""

import contextlib
import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from support.pictures import picture

FEWEST = 5
"""Files of the folder from which operations remove files: one that is emptied is suspect."""

MANY = 8
"""Directories from which on no further one is created, unless names are reused."""


@dataclass
class Tree:
    """The files of one folder, changed at random; contents come back as older ones."""

    root: Path
    random: random.Random
    names: int = 40  # in each directory
    reuses_directories: bool = True  # the name of one that was moved is that of another one later
    numbers: Iterator[int] = field(default_factory=itertools.count)
    contents: list[bytes] = field(default_factory=list)
    trash: list[tuple[Path, bytes]] = field(default_factory=list)
    since: dict[str, float] = field(default_factory=dict)
    """By SHA-256, since when (unix seconds) some file has had these contents without a break."""

    def files(self) -> list[Path]:
        """Return every file, in a stable order."""
        return files(self.root)

    def wanted(self) -> set[str]:
        """Return the SHA-256 of every file's contents."""
        return contents(self.root)

    def change(self) -> None:
        """Do one operation of a random kind."""
        operations = [self._create]
        if len(self.files()) > FEWEST:
            operations += [self._rewrite, self._rename, self._delete, self._delete, self._copy]
            operations += [self.move_directory, self._swap]
        if self.trash:
            operations.append(self._put_back)
        self.random.choice(operations)()

    def note_contents(self) -> None:
        """Note since when the present contents have been there; called after each change."""
        now, wanted = time.time(), self.wanted()
        self.since = {digest: self.since.get(digest, now) for digest in wanted}

    def move_directory(self) -> None:
        """Rename a directory at random, if the new name is free."""
        directories = self._directories()
        target = self._new_directory()
        if self.reuses_directories:
            target = self.root / self.random.choice("abde")
        if directories and not target.exists():
            with contextlib.suppress(OSError):  # into itself
                self.random.choice(directories).rename(target)

    def _content(self) -> bytes:
        if self.contents and self.random.random() < 0.4:
            return self.random.choice(self.contents)
        number = next(self.numbers)
        # Pictures of different sizes: an image without a response is found by its name and size.
        content = picture(number + 1_000_003 * self.random.randrange(1000), width=8 + number % 97)
        self.contents.append(content)
        return content

    def _path(self) -> Path:
        directory = self._directory()
        directory.mkdir(parents=True, exist_ok=True)
        return directory / f"{self.random.randrange(self.names)}.jpg"

    def _directory(self) -> Path:
        if self.reuses_directories:
            return self.root.joinpath(*self.random.choice([[], ["a"], ["b"], ["a", "c"]]))
        known = [self.root, *self._directories()]
        return self.random.choice(known) if len(known) > MANY else self._new_directory()

    def _new_directory(self) -> Path:
        return self.root / f"d{next(self.numbers)}"

    def _directories(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*") if path.is_dir())

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.write_bytes(content)
        new.rename(path)

    def _create(self) -> None:
        self._write(self._path(), self._content())

    def _rewrite(self) -> None:
        self._write(self.random.choice(self.files()), self._content())

    def _copy(self) -> None:
        self._write(self._path(), self.random.choice(self.files()).read_bytes())

    def _rename(self) -> None:
        self.random.choice(self.files()).rename(self._path())

    def _swap(self) -> None:
        one, other = self.random.choice(self.files()), self.random.choice(self.files())
        first, second = one.read_bytes(), other.read_bytes()
        self._write(one, second)
        self._write(other, first)

    def _delete(self) -> None:
        path = self.random.choice(self.files())
        self.trash.append((path, path.read_bytes()))
        path.unlink()

    def _put_back(self) -> None:
        path, content = self.trash.pop(self.random.randrange(len(self.trash)))
        self._write(path if self.reuses_directories else self._path(), content)


def files(root: Path) -> list[Path]:
    """Return every file of a folder, in a stable order."""
    return sorted(path for path in root.rglob("*") if path.is_file())


def contents(root: Path) -> set[str]:
    """Return the SHA-256 of every file's contents."""
    return {sha256(path.read_bytes()).hexdigest() for path in files(root)}
