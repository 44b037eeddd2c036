"""The folders of a history: each change is made on disk and in the model."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from support.history.model import Model
from support.history.strategies import CONTENTS


class Folders:
    """Folders on disk, by name; `touched` are the paths in "spring" that have changed."""

    def __init__(self, base: Path, roots: dict[str, Path], model: Model) -> None:
        self._base = base
        self.roots = roots
        self._folders = model.folders
        self.spring = model.folders["spring"]
        self.touched: set[str] = set()
        self._linked: tuple[str, Path, dict[str, int]] | None = None
        """A directory of "spring" that is a link now, where it is, and its files."""

    def put(self, name: str, path: str, content: int) -> None:
        if self._folders[name].is_below_link(path):
            return
        file = self.roots[name] / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if path in self._folders[name].links:
            file.unlink()
            self._folders[name].links.discard(path)
        file.write_bytes(CONTENTS[content])
        self._folders[name].files[path] = content
        self.touched.add(path)

    def duplicate(self, name: str, pick: int, to: str) -> None:
        if path := self._pick(name, pick):
            self.put(name, to, self._folders[name].files[path])

    def rename(self, name: str, pick: int, to: str) -> None:
        path = self._pick(name, pick)
        if not path or path == to or self._folders[name].is_below_link(to):
            return
        root, files = self.roots[name], self._folders[name].files
        (root / to).parent.mkdir(parents=True, exist_ok=True)
        (root / path).rename(root / to)
        files[to] = files.pop(path)
        self._folders[name].links.discard(to)
        self.touched |= {path, to}

    def move(self, source: str, to: str) -> None:
        """Move a directory."""
        files, root = self.spring.files, self.roots["spring"]
        inside = [path for path in files if path.startswith(source)]
        if to.startswith(source) or not inside or any(path.startswith(to) for path in files):
            return
        if self._linked and (
            self._linked[0].startswith((source, to)) or to.startswith(self._linked[0])
        ):
            return
        shutil.rmtree(root / to, ignore_errors=True)
        (root / to).parent.mkdir(parents=True, exist_ok=True)
        (root / source).rename(root / to)
        self.spring.links = {
            to + path.removeprefix(source) if path.startswith(source) else path
            for path in self.spring.links
            if not path.startswith(to)
        }
        for path in inside:
            files[to + path.removeprefix(source)] = files.pop(path)
        self.touched |= {source.rstrip("/"), to.rstrip("/")}

    def move_and_replace(self, source: str, to: str, content: int) -> None:
        """Move a directory, and create another one of its name with one file."""
        self.move(source, to)
        self.put("spring", f"{source}a.jpg", content)

    def unlink(self, name: str, pick: int) -> None:
        if path := self._pick(name, pick):
            self._unlink(name, path)

    def link(self, name: str, pick: int) -> None:
        """Replace a file by a link to a file outside the folder."""
        if path := self._pick(name, pick):
            outside = self._base / "outside.jpg"
            outside.write_bytes(CONTENTS[3])
            self._unlink(name, path)
            (self.roots[name] / path).symlink_to(outside)
            self._folders[name].links.add(path)

    def remove_link(self, name: str, pick: int) -> None:
        """Remove a link, which deletes the file that it replaced."""
        if links := sorted(self._folders[name].links):
            path = links[pick % len(links)]
            self.roots[name].joinpath(path.rstrip("/")).unlink()
            self._folders[name].links.discard(path)
            self.touched.add(path.rstrip("/"))
            if path.endswith("/"):
                self._put_back()

    def link_directory(self, directory: str) -> None:
        """Move a directory out of the folder, and leave a link; `remove_link` moves it back."""
        files = {p: c for p, c in self.spring.files.items() if p.startswith(directory)}
        if self._linked or not files:
            return
        place = self.roots["spring"] / directory.rstrip("/")
        old = Path(tempfile.mkdtemp(dir=self._base)) / "old"
        place.rename(old)
        place.symlink_to(old)
        self._linked = directory, old, files
        self.spring.links.add(directory)
        for path in files:
            del self.spring.files[path]
        self.touched.add(directory.rstrip("/"))

    def _put_back(self) -> None:
        assert self._linked is not None
        directory, old, files = self._linked
        old.rename(self.roots["spring"] / directory)
        self.spring.files |= files
        self._linked = None

    def empty(self) -> None:
        for path in list(self.spring.files):
            self._unlink("spring", path)

    def swap_names(self, name: str, pick: int, other: int) -> None:
        """Exchange the names of two files."""
        first, second = self._pick(name, pick), self._pick(name, other)
        if first == second:
            return
        root, files = self.roots[name], self._folders[name].files
        (root / first).rename(root / "swap.tmp")
        (root / second).rename(root / first)
        (root / "swap.tmp").rename(root / second)
        files[first], files[second] = files[second], files[first]
        self.touched |= {first, second}

    def may_replace(self, directory: str) -> bool:
        """Return whether the model knows what follows if a directory is replaced for a while."""
        spring = self.spring
        is_known = spring.trusted and not (spring.suspect or spring.doubtful or spring.moved)
        inside = {path for path in spring.included if path.startswith(directory)}
        outside = spring.included.keys() - inside
        return is_known and bool(inside) and (directory == "" or bool(outside))

    def replace(self, directory: str, *, by_link: bool) -> Callable[[], None]:
        """Replace a directory by a link or by another directory; return the way back.

        The other directory has one file, with a content that the folder has as well.
        """
        root, aside = self.roots["spring"], Path(tempfile.mkdtemp(dir=self._base))
        place, old = root / directory, aside / "old"
        place.rename(old)
        if by_link:
            root.joinpath(directory.rstrip("/")).symlink_to(old)
        else:
            place.mkdir()
            content = next(iter(self.spring.included.values()))
            (place / "other.jpg").write_bytes(CONTENTS[content])

        def put_back() -> None:
            if by_link:
                root.joinpath(directory.rstrip("/")).unlink()
            else:
                place.rename(aside / "other")
            old.rename(place)

        return put_back

    def swap_for_a_copy(self) -> None:
        root, old = self.roots["spring"], Path(tempfile.mkdtemp(dir=self._base))
        root.rename(old)  # it is kept: another directory could get its inode otherwise
        shutil.copytree(old, root, symlinks=True)
        self.spring.moved = self.spring.trusted

    def _pick(self, name: str, pick: int) -> str:
        files = sorted(self._folders[name].files)
        return files[pick % len(files)] if files else ""

    def _unlink(self, name: str, path: str) -> None:
        (self.roots[name] / path).unlink()
        del self._folders[name].files[path]
        self.touched.add(path)
