"""The loop that engines run on, and its threads."""

import asyncio
import resource
import sys
import threading

import pytest

from p2ptui.net.loop import Inline, Offload, Threads, raise_descriptor_limit, run


async def loop_kind() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_an_engine_runs_on_uvloop_where_it_exists() -> None:
    pytest.importorskip("uvloop")
    assert run(loop_kind()) == "uvloop"


def test_an_engine_runs_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run(loop_kind()).startswith("asyncio")


def test_the_soft_limit_of_descriptors_is_raised_as_far_as_it_goes() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        assert raise_descriptor_limit(300) == 300
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, before[1])
        assert raise_descriptor_limit(200) == 300, "it is never lowered"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_refusal_of_the_system_leaves_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_descriptor_limit() == 256


async def test_threads_compute_off_the_loop_and_raise_here() -> None:
    threads = Threads(1, "worker")
    offload: Offload = threads
    try:
        name = await offload(lambda: threading.current_thread().name)
        assert name.startswith("worker")
        assert await offload(sorted, [3, 1, 2], reverse=True) == [3, 2, 1]
        with pytest.raises(ZeroDivisionError):
            await offload(lambda: 1 // 0)
    finally:
        threads.close()


async def test_inline_computes_at_once() -> None:
    offload: Offload = Inline()
    assert await offload(threading.get_ident) == threading.get_ident()
