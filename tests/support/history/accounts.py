"""The accounts of a history: each change is made in the sandbox and in the model."""

import time

from support.history.model import Held, Model
from support.history.strategies import CONTENTS, NAMES, SWITCHES

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox


class Accounts:
    """The accounts of a sandbox, whose clock can differ from ours."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.has_lost = False
        """Whether an image was removed by hand since the last audit."""
        self._clock_offset = 0.0  # seconds by which the sandbox's clock is ahead
        self._creatives: dict[Held, str] = {}
        self.sandbox = Sandbox(SWITCHES, clock=lambda: time.time() + self._clock_offset)

    def held(self) -> set[Held]:
        library = self.sandbox.library
        return {(a, str(image.hash)) for a in NAMES for image in library.images(a)}

    def were_held(self) -> set[Held]:
        """Return what the accounts hold or held: uploaded again, an image is as old as it was."""
        library = self.sandbox.library
        return {(a, str(image.hash)) for a in NAMES for image in library.everything(a)}

    def add_foreign(self, account: str, content: int) -> None:
        """Add an image that is older than anything that syncd uploads."""
        image_hash = self._model.hash_of(content)
        if self.sandbox.library.find(account, image_hash) is None:
            self._clock_offset -= 3600.0
            self.sandbox.hold(account, "foreign.jpg", CONTENTS[content])
            self._clock_offset += 3600.0
            self._model.foreign.add((account, image_hash))

    def remove(self, pick: int) -> None:
        """Remove an unused image by hand."""
        if (held := self._pick(pick, used=False)) is not None:
            self.sandbox.library.remove(*held)
            self._model.remove(*held)
            self.has_lost = True

    def use(self, pick: int) -> None:
        if (held := self._pick(pick, used=False)) is not None:
            self._creatives[held] = self.sandbox.creatives.add(*held)
            self._model.used.add(held)

    def release(self, pick: int) -> None:
        """Delete the creative of an image."""
        if (held := self._pick(pick, used=True)) is not None:
            self.sandbox.creatives.remove(self._creatives.pop(held))
            self._model.used.discard(held)

    def fail(self, name: str, account: str, on: str) -> None:
        """Let one call fail."""
        seconds = 0.15 if name == "17" else None
        self.sandbox.faults.add(Fault(name, times=1, account=account, on=on, seconds=seconds))

    def pass_time(self, seconds: float) -> None:
        """Let time pass in the accounts alone."""
        self._clock_offset += seconds

    def change_clock(self, seconds: float) -> None:
        """Set the accounts' clock, or ours, so that they differ by other seconds than before."""
        self._clock_offset += seconds
        self._model.change_clock()

    def _pick(self, pick: int, *, used: bool) -> Held | None:
        held = sorted(h for h in self.held() if (h in self._model.used) == used)
        return held[pick % len(held)] if held else None
