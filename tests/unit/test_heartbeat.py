"""Whether a part moves, as far as its steps show it."""

import time

from syncd.heartbeat import HANGS, Pulse

LATER = 1000.0


def now() -> float:
    return time.monotonic()


def test_a_part_between_its_steps_waits_for_as_long_as_it_likes() -> None:
    pulse = Pulse()
    assert pulse.still_for(now() + LATER) == 0.0
    with pulse.step():
        pass
    assert pulse.still_for(now() + LATER) == 0.0
    assert not pulse.hangs()


def test_a_step_that_shows_nothing_stands_still() -> None:
    pulse = Pulse()
    with pulse.step():
        assert not pulse.hangs()
        assert LATER <= pulse.still_for(now() + LATER) < LATER + HANGS


def test_a_step_that_moves_does_not_and_the_one_beside_it_does() -> None:
    pulse = Pulse()
    with pulse.step() as slow, pulse.step() as stuck:
        began = now()
        while now() < began + 0.01:
            slow.moved()
        then = now()
        assert slow.still_for(then) < stuck.still_for(then)
        assert pulse.still_for(then) == stuck.still_for(then) >= 0.01
    assert pulse.still_for(now()) == 0.0


def test_a_step_may_have_a_limit_of_its_own() -> None:
    pulse = Pulse()
    with pulse.step(LATER):
        assert pulse.still_for(now() + LATER - 1) == 0.0
        assert pulse.still_for(now() + LATER + 1) > 0.0


def test_what_never_came_through_a_step_has_not_worked() -> None:
    pulse = Pulse()
    with pulse.step():
        assert pulse.worked_for(now() + LATER) == 0.0


def test_how_long_it_worked_ends_where_it_stands_still() -> None:
    pulse = Pulse()
    with pulse.step():
        pass
    assert pulse.worked_for(now() + LATER) >= LATER
    with pulse.step():
        assert pulse.worked_for(now() + LATER) < 1.0
