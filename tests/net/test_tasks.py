"""Tasks that are named, kept alive and heard of."""

import asyncio
import gc
import logging
import weakref

import pytest

from p2ptui.net.tasks import TaskSet, spawn


async def fail() -> None:
    raise ValueError("a mistake")


async def test_an_unexpected_end_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = spawn(fail(), name="failing")
    await asyncio.wait([task])
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "task failing failed"
    assert record.exc_info is not None
    assert record.exc_info[1] is task.exception()


async def test_a_cancelled_task_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    task = spawn(asyncio.sleep(60), name="sleeping")
    task.cancel()
    await asyncio.wait([task])
    assert task.get_name() == "sleeping"
    assert not caplog.records


async def test_a_task_lives_without_anybody_holding_it() -> None:
    async def wait_for_nobody() -> None:
        await asyncio.get_running_loop().create_future()

    task = weakref.ref(spawn(wait_for_nobody(), name="unheld"))
    await asyncio.sleep(0)
    gc.collect()
    held = task()
    assert held is not None
    held.cancel()
    await asyncio.wait([held])


async def test_a_set_ends_all_its_tasks_and_waits_for_their_ends() -> None:
    tasks = TaskSet()
    ended: list[str] = []

    async def linger(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    for name in "ab":
        tasks.spawn(linger(name), name=name)
    await asyncio.sleep(0)
    assert len(tasks) == 2
    await tasks.cancel_all()
    assert sorted(ended) == ["a", "b"]
    assert len(tasks) == 0


async def test_a_task_may_end_the_set_it_belongs_to() -> None:
    tasks = TaskSet()
    other = tasks.spawn(asyncio.sleep(60), name="other")
    ender = tasks.spawn(tasks.cancel_all(), name="ender")
    async with asyncio.timeout(5):
        await ender
    assert other.cancelled()


async def test_waiting_for_a_set_includes_what_is_started_meanwhile() -> None:
    tasks = TaskSet()
    ended: list[str] = []

    async def second() -> None:
        await asyncio.sleep(0)
        ended.append("second")

    async def first() -> None:
        tasks.spawn(second(), name="second")
        ended.append("first")

    tasks.spawn(first(), name="first")
    await tasks.wait()
    assert ended == ["first", "second"]
