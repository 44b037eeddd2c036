"""Whether a part moves, as far as its steps show it."""

import time

from syncd.heartbeat import STALLED_AFTER, Heartbeat

LATER = 1000.0


def now() -> float:
    return time.monotonic()


def test_a_part_between_its_steps_waits_for_as_long_as_it_likes() -> None:
    pulse = Heartbeat()
    assert pulse.idle_for(now() + LATER) == 0.0
    with pulse.step():
        pass
    assert pulse.idle_for(now() + LATER) == 0.0
    assert not pulse.stalled()


def test_a_step_that_shows_nothing_stands_still() -> None:
    pulse = Heartbeat()
    with pulse.step():
        assert not pulse.stalled()
        assert LATER <= pulse.idle_for(now() + LATER) < LATER + STALLED_AFTER


def test_a_step_that_moves_does_not_and_the_one_beside_it_does() -> None:
    pulse = Heartbeat()
    with pulse.step() as slow, pulse.step() as stuck:
        began = now()
        while now() < began + 0.01:
            slow.progress()
        then = now()
        assert slow.idle_for(then) < stuck.idle_for(then)
        assert pulse.idle_for(then) == stuck.idle_for(then) >= 0.01
    assert pulse.idle_for(now()) == 0.0


def test_a_step_may_have_a_limit_of_its_own() -> None:
    pulse = Heartbeat()
    with pulse.step(LATER):
        assert pulse.idle_for(now() + LATER - 1) == 0.0
        assert pulse.idle_for(now() + LATER + 1) > 0.0


def test_what_never_came_through_a_step_has_not_worked() -> None:
    pulse = Heartbeat()
    with pulse.step():
        assert pulse.worked_for(now() + LATER) == 0.0


def test_how_long_it_worked_ends_where_it_stands_still() -> None:
    pulse = Heartbeat()
    with pulse.step():
        pass
    assert pulse.worked_for(now() + LATER) >= LATER
    with pulse.step():
        assert pulse.worked_for(now() + LATER) < 1.0
