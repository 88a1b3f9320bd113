"""`no_grad` and similar blocks apply to the code inside them, not to other tasks and not after the block."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import gc
import inspect
import itertools
import threading

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import anomaly


def records():
    """Return whether operations record, and assert that `is_grad_enabled` agrees."""
    done = (fg.tensor(1.0, requires_grad=True) * 2.0).requires_grad
    assert fg.is_grad_enabled() == done
    return done


def looks():
    """Return whether anomalies are detected, and assert that the mode of the pure-Python engine agrees."""
    with np.errstate(all="ignore"):
        try:
            fg.tensor(-1.0, requires_grad=True).log()
        except fg.AnomalyError:
            done = True
        else:
            done = False
    assert fg.engine != "python" or anomaly.noting() == done
    return done


# what opens a block, whether its switch is on by default, how to see it
MODES = {
    "no_grad": (fg.no_grad, True, records),
    "detect_anomaly": (fg.detect_anomaly, False, looks),
}


@pytest.fixture(params=MODES)
def mode(request):
    block, default, seen = MODES[request.param]
    assert seen() == default
    yield block, default, seen
    assert seen() == default


def holding(block, seen, log=None):
    """A generator that is suspended in a block, twice."""
    with block():
        yield seen()
        yield seen()


# --- tasks ---


@pytest.mark.parametrize("delays", list(itertools.permutations((0.0, 0.004, 0.008))))
def test_tasks_that_overlap_do_not_see_each_other(mode, delays):
    block, default, seen = mode

    async def inside(delay):
        with block():
            await asyncio.sleep(delay)
            return seen()

    async def outside():
        found = []
        for _ in range(6):
            await asyncio.sleep(0.002)
            found.append(seen())
        return set(found)

    async def main():
        return await asyncio.gather(*map(inside, delays), outside())

    *within, without = asyncio.run(main())
    assert within == [not default] * 3 and without == {default}


def test_a_task_started_inside_a_block_is_covered_until_the_block_is_over(mode):
    block, default, seen = mode

    async def child(over):
        found = [seen()]
        await over.wait()
        return [*found, seen()]

    async def main():
        over = asyncio.Event()
        with block():
            task = asyncio.create_task(child(over))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        over.set()
        return await task

    assert asyncio.run(main()) == [not default, default]


def test_a_function_sent_to_a_thread_takes_its_context_along(mode):
    block, default, seen = mode

    async def main():
        with block():
            return await asyncio.to_thread(seen), await asyncio.get_running_loop().run_in_executor(None, seen)

    assert asyncio.run(main()) == (not default, default)


def test_a_cancelled_task_leaves_nothing(mode):
    block, default, seen = mode

    async def child():
        with block():
            await asyncio.sleep(60)

    async def main():
        task = asyncio.create_task(child())
        await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return seen()

    assert asyncio.run(main()) == default


def test_a_context_run_elsewhere_keeps_to_itself(mode):
    block, default, seen = mode
    context = contextvars.copy_context()
    context.run(block().__enter__)
    assert seen() == default and context.run(seen) != default
    found = []
    thread = threading.Thread(target=lambda: found.extend([context.run(seen), seen()]))
    thread.start()
    thread.join()
    assert found == [not default, default]


def test_threads_begin_with_the_default(mode):
    block, default, seen = mode
    with block(), concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: seen(), range(6))) == [default] * 6


# --- generators ---


@pytest.mark.parametrize("order", sorted(set(itertools.permutations("aabbcc"))))
def test_generators_that_take_turns_in_any_order(mode, order):
    block, default, seen = mode
    running = {name: holding(block, seen) for name in "abc"}
    for name in running:
        next(running[name])
    for name in order:
        next(running[name], None)
    assert seen() == default
    del running


@pytest.mark.parametrize("end", ["close", "drop", "throw", "exhaust", "drop in a thread", "close in a task"])
def test_a_suspended_generator_that_ends_anyhow_ends_its_block(mode, end):
    block, default, seen = mode
    generator = holding(block, seen)
    assert next(generator) != default
    assert seen() != default  # as with any context variable
    if end == "close":
        generator.close()
    elif end == "throw":
        with pytest.raises(KeyError):
            generator.throw(KeyError())
    elif end == "exhaust":
        list(generator)
    elif end == "drop in a thread":
        held = [generator]
        thread = threading.Thread(target=held.clear)
        del generator
        thread.start()
        thread.join()
    elif end == "close in a task":

        async def close():
            generator.close()

        asyncio.run(close())
    generator = None
    gc.collect()
    assert seen() == default


def test_blocks_that_overlap_for_long_make_no_chain(mode):
    block, default, seen = mode
    last = holding(block, seen)
    next(last)
    for _ in range(5_000):
        new = holding(block, seen)
        next(new)
        last.close()
        last = new
    last.close()
    del new, last
    assert seen() == default


def test_very_many_nested_blocks(mode):
    block, default, seen = mode
    with contextlib.ExitStack() as stack:
        for _ in range(20_000):
            stack.enter_context(block())
        assert seen() != default
    assert seen() == default
    context = contextvars.copy_context()
    for _ in range(100_000):
        context.run(block().__enter__)
    del context  # the blocks are dropped open, all at once


# --- one object, several times ---


def test_one_object_is_entered_again_and_again(mode):
    block, default, seen = mode
    again = block()
    with again, again:
        with again:
            assert seen() != default
        assert seen() != default
    assert seen() == default
    with again:
        assert seen() != default


def test_one_object_in_several_tasks_threads_and_generators(mode):
    block, default, seen = mode
    shared = block()

    async def inside(delay):
        with shared:
            await asyncio.sleep(delay)
            return seen()

    async def main():
        first = asyncio.create_task(inside(0.02))
        second = asyncio.create_task(inside(0.005))
        await second
        return await first, seen()

    assert asyncio.run(main()) == (not default, default)

    def hold():
        with shared:
            yield

    a, b = hold(), hold()
    next(a), next(b)
    list(a)
    assert seen() != default
    list(b)
    assert seen() == default


def test_leaving_what_was_not_entered_changes_nothing(mode):
    block, default, seen = mode
    block().__exit__(None, None, None)
    with block():
        block().__exit__(None, None, None)
        assert seen() != default


# --- helpers that people write ---


def test_a_context_manager_made_of_a_generator(mode):
    block, default, seen = mode

    @contextlib.contextmanager
    def quiet():
        with block():
            yield seen()

    with quiet() as inside:
        assert inside != default and seen() != default
    with contextlib.ExitStack() as stack:
        stack.enter_context(quiet())
        kept = stack.pop_all()
    assert seen() != default
    kept.close()
    assert seen() == default

    @contextlib.asynccontextmanager
    async def quiet_too():
        with block():
            yield

    async def main():
        async with quiet_too():
            await asyncio.sleep(0)
            inside = seen()
        return inside, seen()

    assert asyncio.run(main()) == (not default, default)


def test_setup_and_teardown_of_a_fixture(mode):
    """As pytest runs a fixture: the test between its two halves is inside the block."""
    block, default, seen = mode
    fixture = holding(block, seen)
    next(fixture)
    assert seen() != default
    list(fixture)
    assert seen() == default


@pytest.mark.skipif(fg.engine != "cython", reason="counts what makes the compiled engine look closer")
def test_an_abandoned_block_costs_nothing_once_its_context_is_gone():
    from fastgrad import core

    before = core.debug_counts()["open blocks"]
    thread = threading.Thread(target=lambda: fg.no_grad().__enter__())
    thread.start()
    thread.join()
    generator = holding(fg.no_grad, records)
    next(generator)
    del generator
    with pytest.raises(KeyError), fg.no_grad():
        raise KeyError
    assert core.debug_counts()["open blocks"] == before


def test_signatures_are_those_of_functions():
    for verb in (fg.no_grad, fg.enable_grad):
        assert inspect.signature(verb).parameters.keys() == {"function"}
        assert "generator" in verb.__doc__ and "task" in verb.__doc__
