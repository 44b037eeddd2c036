"""The perspective of a run of the checks: as which user, and in which unit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from syncd.check.unit import Role, Unit, unit_of
from syncd.check.user import ImpersonationError, User, current_user, user_named
from syncd.config.shard import SHARD_VARIABLE

NO_ID = 65_534
"""The id of a user or group that does not exist."""
SERVICE_USER = "syncd"  # systemd/sysusers.d/syncd.conf


class Perspective(msgspec.Struct, frozen=True, kw_only=True):
    """The user as whom the checks run, and the unit that runs syncd, if there is one.

    `probes` when the unit itself can be tried. `note` is a hint for the operator, printed last.
    `pages` is the unit of `syncd web`, if it can be tried and is used.
    """

    user: User
    unit: Unit | None = None
    note: str | None = None
    probes: bool = False
    pages: Unit | None = None

    def environ(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Return the environment with which to read the configuration."""
        if self.unit is None:
            return environ
        given = {"STATE_DIRECTORY": self.unit.state_directory, SHARD_VARIABLE: self.unit.shard}
        return {**environ, **{name: value for name, value in given.items() if value is not None}}


def perspective_for(config: Path, name: str | None, environ: Mapping[str, str]) -> Perspective:
    """Return the perspective of the named user, or of the user of the service.

    Only root can take the perspective of another user. Raises ImpersonationError.
    """
    me = current_user()
    if name is not None and user_named(name).uid == me.uid:
        return Perspective(user=me)
    unit = unit_of(config)
    invocation_id = environ.get("INVOCATION_ID")
    if unit is not None and unit.invocation_id and unit.invocation_id == invocation_id:
        return Perspective(user=me)  # this process belongs to the service and sees what it sees
    if me.uid != 0:
        if name is not None:
            raise ImpersonationError(f"only root can check as {name}: sudo syncd check --as {name}")
        return Perspective(user=me, unit=unit, note=_note(me, unit))
    if unit is not None and name in {None, unit.user}:
        pages = unit_of(config, Role.PAGES)
        used = pages is not None and (pages.enabled or pages.active)
        return Perspective(
            user=user_of(unit), unit=unit, probes=True, pages=pages if used else None
        )
    return (
        Perspective(user=user_named(name))
        if name is not None
        else Perspective(user=_service_user(me))
    )


def user_of(unit: Unit) -> User:
    """Return the user of a unit; systemd itself reports one that does not exist."""
    try:
        return user_named(unit.user, unit.group, unit.groups)
    except ImpersonationError:
        return User(unit.user, NO_ID, NO_ID, frozenset({NO_ID}))


def _service_user(otherwise: User) -> User:
    try:
        return user_named(SERVICE_USER)
    except ImpersonationError:
        return otherwise


def _note(me: User, unit: Unit | None) -> str | None:
    user = unit.user if unit is not None else _service_user(me).name
    if user == me.name:
        return None
    return (
        f"These checks ran as {me.name}. To check as {user}, as the service does: sudo syncd check"
    )
