import pytest

from p2ptui.base.bus import Bus


def test_every_follower_gets_everything_in_order() -> None:
    bus: Bus[int] = Bus()
    one, other = bus.subscribe(), bus.subscribe()
    for number in range(5):
        bus.publish(number)
    assert one.drain() == ([0, 1, 2, 3, 4], 0)
    assert other.drain() == ([0, 1, 2, 3, 4], 0)
    assert one.drain() == ([], 0)


def test_a_slow_follower_loses_its_own_events_and_is_told_how_many() -> None:
    bus: Bus[int] = Bus()
    slow, quick = bus.subscribe(maxlen=3), bus.subscribe(maxlen=3)
    seen: list[int] = []
    for number in range(5):
        bus.publish(number)
        seen += quick.drain()[0]
    assert seen == [0, 1, 2, 3, 4]
    # What is left all happened after the gap: never a hole in the middle.
    assert slow.pending
    assert slow.drain() == ([3, 4], 3)
    assert not slow.pending
    bus.publish(5)
    assert slow.drain() == ([5], 0)


def test_a_follower_is_woken_by_each_event_after_it_lies_in_the_queue() -> None:
    bus: Bus[str] = Bus()
    woken: list[tuple[list[str], int]] = []
    subscription = bus.subscribe(wake=lambda: woken.append(subscription.drain()))
    bus.publish("a")
    bus.publish("b")
    assert woken == [(["a"], 0), (["b"], 0)]


def test_a_closed_follower_hears_nothing_more() -> None:
    bus: Bus[int] = Bus()
    subscription = bus.subscribe()
    assert bus.followers == 1
    subscription.close()
    subscription.close()
    bus.publish(1)
    assert bus.followers == 0
    assert not subscription.pending


def test_a_follower_may_leave_while_it_is_woken() -> None:
    bus: Bus[int] = Bus()
    heard: list[int] = []
    first = bus.subscribe(wake=lambda: leave())  # noqa: PLW0108  (it is bound below)
    leave = first.close
    bus.subscribe(wake=lambda: heard.append(1))
    bus.publish(1)
    bus.publish(2)
    assert heard == [1, 1]
    assert first.drain() == ([1], 0)


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Bus[int]().subscribe(maxlen=0)
