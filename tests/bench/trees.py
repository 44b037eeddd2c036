"""Large trees with a ledger in which every file is held; created once and kept in the cache.

A backfill has run with the ledger: it records what a first start records, such as the numbers of
the directories.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import ROOT, run
from bench.running_sink import sink


@dataclass(frozen=True)
class HeldTree:
    """A tree, a copy for tools that compare two trees, and a ledger in which all of it is held."""

    tree: Path
    mirror: Path
    ledger: Path


def held_tree(bench: Bench, count: int) -> HeldTree:
    """Return a tree of `count` files that is in sync."""
    tree = pictures.tiny_tree(bench.cache / f"tree-{count}", count)
    mirror = pictures.hard_link_copy(tree)
    kept = bench.cache / f"ledger-started-{count}-{schema_digest()}.db"
    if not kept.exists():
        bench.log(f"  writing the ledger of {count:,} files, once")
        made = bench.new_directory("filled-ledger") / "ledger.db"
        command = [sys.executable, "-m", "bench.inside.filled_ledger", str(tree), str(made)]
        run(command, made.with_name("log"))
        with sink() as server:
            config = write_config(made.parent, server.url, {"bench": tree}, ledger=made)
            run(syncd("backfill", "--config", config), made.with_name("log"), TOKEN)
        shutil.move(made, kept)
    ledger = bench.new_directory("ledger") / "ledger.db"
    shutil.copyfile(kept, ledger)
    return HeldTree(tree, mirror, ledger)


def schema_digest(*more: Path) -> str:
    """Return a short digest of the schema and of more files."""
    schema = ROOT / "syncd" / "ledger" / "schema.sql"
    content = b"".join(file.read_bytes() for file in (schema, *more))
    return hashlib.sha256(content).hexdigest()[:8]
