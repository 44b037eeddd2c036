"""From whose point of view it is looked: a user's, a unit's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from syncd.check.permissions import Person
from syncd.check.unit import Unit, unit_of
from syncd.check.user import NobodyError, oneself, person_named

SERVICE_USER = "syncd"  # systemd/sysusers.d/syncd.conf


class View(msgspec.Struct, frozen=True):
    """Whom it is looked as, beside which unit; `note` says who would see more."""

    person: Person
    unit: Unit | None = None
    note: str | None = None

    def environ(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Return the environment by which the configuration is to be read."""
        if self.unit is None or self.unit.state is None:
            return environ
        return {**environ, "STATE_DIRECTORY": self.unit.state}


def view_of(config: Path, named: str | None, environ: Mapping[str, str]) -> View:
    """Return the view of the user that is named, or of the one that the service has.

    Root alone sees what others see. Raises NobodyError.
    """
    me = oneself()
    if named is not None and person_named(named).uid == me.uid:
        return View(me)
    unit = unit_of(config)
    if unit is not None and unit.invocation and unit.invocation == environ.get("INVOCATION_ID"):
        return View(me)  # this is the service: what it sees is what there is
    if me.uid != 0:
        if named is not None:
            raise NobodyError(f"to look as {named} takes root: sudo syncd check --as {named}")
        return View(me, unit, _note(me, unit))
    if unit is not None and named in {None, unit.user}:
        return View(person_named(unit.user, unit.group, unit.groups), unit)
    return View(person_named(named)) if named is not None else View(_service_user(me))


def _service_user(otherwise: Person) -> Person:
    try:
        return person_named(SERVICE_USER)
    except NobodyError:
        return otherwise


def _note(me: Person, unit: Unit | None) -> str | None:
    user = unit.user if unit is not None else _service_user(me).name
    if user == me.name:
        return None
    return f"This is what {me.name} sees; sudo syncd check looks as {user}, as the service does."
