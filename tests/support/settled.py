"""Whether accounts equal a folder and the ledger has nothing left to do."""

from collections.abc import Collection
from dataclasses import replace

from support.process import syncd
from support.rig import Rig, until

from syncd.ledger.file import changing

LATER = 3600  # seconds

ACCEPTED_WITHIN = 90.0  # seconds: a daemon applies a decision within a minute

TIMES = {
    "replica": ("sent_at", "delete_sent_at", "resent_at", "check_at"),
    "deletion": ("retry_at",),
    "unanswered": ("first_at", "last_at"),
    "own": ("sent_at", "deleted_at"),
}
"""The columns of the ledger that are compared with a clock."""


def held(rig: Rig, account: str) -> set[str]:
    """Return the SHA-256 of each image of an account."""
    return {image.sha256 for image in rig.sandbox.library.images(account)}


def differences(rig: Rig, wanted: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return, by account, how many images it lacks, and how many it has too many.

    `wanted` are the SHA-256 of the files. Accounts without a difference are left out.
    """
    found = {}
    for account in rig.accounts.values():
        has, needs = held(rig, account), set(wanted)
        if has != needs:
            found[account] = len(needs - has), len(has - needs)
    return found


def stuck(rig: Rig, done: str = "'held'") -> list[str]:
    """Return what the ledger has not finished, and what it keeps or waits for.

    `done` are the states, in SQL, of images about which nothing is left to do.
    """
    return [
        f"{table}: {row}"
        for table in (
            f"replica WHERE state NOT IN ({done})",
            "deletion",
            "kept",
            "unanswered",
            "alert",
        )
        for row in rig.rows(f"SELECT * FROM {table}")
    ]


def let_time_pass(rig: Rig) -> None:
    """Let `LATER` pass while no daemon runs: a DELETE without an effect is repeated at once."""
    with changing(rig.ledger) as db:
        for table, columns in TIMES.items():
            shifted = ", ".join(f"{column} = {column} - {LATER}" for column in columns)
            db.execute(f"UPDATE {table} SET {shifted}")
    library = rig.sandbox.library
    for account in rig.accounts.values():
        for image in library.everything(account):
            created, updated = image.created_time - LATER, image.updated_time - LATER
            library.put(replace(image, created_time=created, updated_time=updated))


async def check_ledger(rig: Rig) -> None:
    """Run `syncd ledger check`, which must find nothing."""
    ended = await syncd(rig, "ledger", "check", "--config", str(rig.write_config()))
    assert ended.code == 0, ended.out + ended.err


def has_kept_files(rig: Rig) -> bool:
    """Return whether names are missing that no deletion explains: only the operator knows."""
    return rig.rows("SELECT 1 FROM alert WHERE event = 'files.kept'") != []


async def accept_folder(rig: Rig) -> None:
    """Do what the alert `files.kept` recommends, while a daemon runs.

    A directory was replaced by another one, and none of its files was found where it is now.
    """
    for action in ("trust", "release"):
        await syncd(rig, "deletions", action, "spring", "--config", str(rig.write_config()))
        await until(lambda: not has_kept_files(rig), ACCEPTED_WITHIN)
