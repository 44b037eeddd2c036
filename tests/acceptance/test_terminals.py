"""Output in a terminal that does not report its width, such as a serial console."""

import pytest
from support.rig import Rig
from support.terminal import terminal


@pytest.mark.parametrize("words", [("help", "deletions"), ("events", "daemon.started"), ("plan",)])
async def test_a_terminal_of_unknown_width_shows_the_output(
    rig: Rig, words: tuple[str, ...]
) -> None:
    config = ("--config", str(rig.write_config())) if words == ("plan",) else ()
    async with terminal(rig, *words, *config) as shown:
        assert await shown.end() == 0, shown.text
    assert shown.text
