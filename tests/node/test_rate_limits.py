"""Limits and slow mode."""

from p2ptui.base.settings import PeerSettings
from p2ptui.node.rate_limits import RateLimits


def limits(**given: int | None) -> RateLimits:
    return RateLimits(PeerSettings(**given))  # type: ignore[arg-type]  # names of limits alone


def rates(made: RateLimits) -> tuple[int | None, int | None]:
    """Those in force, and those of the throttles."""
    assert (made.up.rate_bps, made.down.rate_bps) == (made.rate("up"), made.rate("down"))
    return made.rate("up"), made.rate("down")


def test_slow_mode_and_back() -> None:
    made = limits(up_limit=5_000_000)
    assert (rates(made), made.slow) == ((5_000_000, None), False)
    made.switch(slow=True)
    assert (rates(made), made.slow) == ((1_000_000, 1_000_000), True)
    made.switch(slow=False)
    assert (rates(made), made.slow) == ((5_000_000, None), False)


def test_slow_mode_makes_nothing_faster() -> None:
    made = limits(up_limit=300_000, slow_down_limit=None)
    made.switch(slow=True)
    assert rates(made) == (300_000, None)


def test_a_limit_that_is_set_is_that_of_the_mode() -> None:
    made = limits()
    made.switch(slow=True)
    made.set("up", 2_000_000)
    assert rates(made) == (2_000_000, 1_000_000)
    made.switch(slow=False)
    assert rates(made) == (None, None)
    made.set("down", 7)
    made.switch(slow=True)
    assert rates(made) == (2_000_000, 7)


def test_a_changed_setting_is_felt_in_its_mode_alone() -> None:
    made = limits()
    made.change("up", 500, slow=True)
    assert rates(made) == (None, None)
    made.change("up", 900, slow=False)
    assert rates(made) == (900, None)
    made.switch(slow=True)
    made.change("up", 800, slow=False)
    assert rates(made) == (500, 1_000_000)
