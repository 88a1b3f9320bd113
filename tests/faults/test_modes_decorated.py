"""Decorated functions, generators and coroutines: the mode holds while they run, and not while they are suspended."""

import asyncio
import gc
import inspect
import threading

import pytest

import fastgrad as fg

ON, OFF = True, False


def records():
    done = (fg.tensor(1.0, requires_grad=True) * 2.0).requires_grad
    assert fg.is_grad_enabled() == done
    return done


@pytest.fixture(autouse=True)
def nothing_is_left():
    assert records()
    yield
    gc.collect()
    assert records()


@pytest.fixture(params=["bare", "called"])
def off(request):
    return fg.no_grad if request.param == "bare" else fg.no_grad()


# --- generators ---


def test_a_generator_is_in_the_mode_while_it_runs_and_its_consumer_never(off):
    @off
    def numbers(n):
        "Some."
        for k in range(n):
            yield k, records()
        return "end"

    assert inspect.isgeneratorfunction(numbers)
    assert numbers.__name__ == "numbers" and numbers.__doc__ == "Some." and numbers.__wrapped__
    seen = []
    for item in numbers(3):
        seen.append(item)
        assert records()
    assert seen == [(0, OFF), (1, OFF), (2, OFF)]

    def delegating():
        return (yield from numbers(1))

    outer = delegating()
    assert next(outer) == (0, OFF)
    with pytest.raises(StopIteration) as end:
        next(outer)
    assert end.value.value == "end"


def test_what_is_sent_and_thrown_in_arrives(off):
    log = []

    @off
    def echo():
        got = None
        while True:
            try:
                got = yield got, records()
            except KeyError as error:
                log.append(("caught", error.args, records()))
                got = "thrown"
            except GeneratorExit:
                log.append(("closed", records()))
                raise
            finally:
                log.append(records())

    generator = echo()
    assert generator.send(None) == (None, OFF)
    assert generator.send(5) == (5, OFF) and records()
    assert generator.throw(KeyError("k")) == ("thrown", OFF) and records()
    generator.close()
    assert log == [OFF, ("caught", ("k",), OFF), OFF, ("closed", OFF), OFF]
    with pytest.raises(StopIteration):
        next(generator)


@pytest.mark.parametrize("error", [KeyError("x"), StopIteration("y"), GeneratorExit(), KeyboardInterrupt()], ids=repr)
def test_an_exception_comes_out_as_it_would_undecorated(off, error):
    def plain():
        yield 1

    def outcome(function):
        generator = function()
        next(generator)
        try:
            generator.throw(error)
        except BaseException as came:
            return type(came), came.args, came is error

    assert outcome(off(plain)) == outcome(plain)


def test_a_generator_that_ignores_its_close_is_told_so(off):
    @off
    def stubborn():
        try:
            yield
        except GeneratorExit:
            yield

    generator = stubborn()
    next(generator)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        generator.close()


def test_a_dropped_generator_cleans_up_in_the_mode(off):
    log = []

    @off
    def kept():
        try:
            yield
        finally:
            log.append(records())

    generator = kept()
    next(generator)
    del generator
    gc.collect()
    assert log == [OFF]


def test_decorated_generators_take_turns(off):
    @off
    def outer():
        yield records()
        with fg.enable_grad():
            yield records()  # a block of its own stays its own while others run
            yield records()
        yield records()

    @fg.enable_grad
    def other():
        while True:
            yield records()

    a, b, c = outer(), outer(), other()
    assert [next(a), next(c), next(a), records(), next(b), next(c)] == [OFF, ON, ON, ON, OFF, ON]
    with fg.no_grad():
        assert [next(a), next(c), records(), next(b), next(a)] == [ON, ON, OFF, ON, OFF]
    assert [records(), next(b), next(b)] == [ON, ON, OFF]


def test_steps_in_different_threads(off):
    @off
    def steps():
        while True:
            yield records()

    generator, found = steps(), [None]
    for _ in range(3):
        thread = threading.Thread(target=lambda: found.append((next(generator), records())))
        thread.start()
        thread.join()
    assert found[1:] == [(OFF, ON)] * 3 and next(generator) is OFF


# --- coroutines ---


def test_a_coroutine_is_in_the_mode_while_it_runs(off):
    @off
    async def work(n):
        before = records()
        await asyncio.sleep(0)
        return before, records(), n

    assert inspect.iscoroutinefunction(work) and work.__name__ == "work"

    async def main():
        return await asyncio.gather(work(1), work(2)), records()

    assert asyncio.run(main()) == ([(OFF, OFF, 1), (OFF, OFF, 2)], ON)


def test_nothing_shows_while_a_coroutine_is_suspended(off):
    class Suspend:
        def __await__(self):
            return (yield "suspended")

    @off
    async def work():
        with fg.enable_grad():
            got = await Suspend()
            inside = records()
        return got, inside, records()

    coroutine = work()  # driven by hand, in this very context
    assert coroutine.send(None) == "suspended" and records()
    with pytest.raises(StopIteration) as end:
        coroutine.send(7)
    assert end.value.value == (7, ON, OFF)


def test_a_cancelled_coroutine_cleans_up_in_the_mode(off):
    log = []

    @off
    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            log.append(records())
            await asyncio.sleep(0)
            log.append(records())

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(work(), 0.02)
        return records()

    assert asyncio.run(main()) and log == [OFF, OFF]


def test_an_exception_of_a_coroutine_comes_out(off):
    @off
    async def fails():
        await asyncio.sleep(0)
        raise KeyError("k")

    with pytest.raises(KeyError, match="k"):
        asyncio.run(fails())


# --- asynchronous generators ---


def test_an_asynchronous_generator_is_in_the_mode_while_it_runs(off):
    @off
    async def numbers(n):
        for k in range(n):
            await asyncio.sleep(0)
            yield k, records()

    assert inspect.isasyncgenfunction(numbers)

    async def main():
        seen = []
        async for item in numbers(3):
            seen.append((*item, records()))
            await asyncio.sleep(0)
        return seen

    assert asyncio.run(main()) == [(k, OFF, ON) for k in range(3)]


def test_what_is_sent_and_thrown_into_an_asynchronous_generator_arrives(off):
    log = []

    @off
    async def echo():
        got = None
        while True:
            try:
                got = yield got, records()
            except KeyError as error:
                got = error.args[0]
            except GeneratorExit:
                await asyncio.sleep(0)
                log.append(records())
                raise

    async def main():
        generator = echo()
        found = [await generator.asend(None), await generator.asend(5), await generator.athrow(KeyError("k"))]
        await generator.aclose()
        found.append(records())
        with pytest.raises(StopAsyncIteration):
            await generator.asend(None)
        return found

    assert asyncio.run(main()) == [(None, OFF), (5, OFF), ("k", OFF), ON] and log == [OFF]


def test_an_asynchronous_generator_left_early_is_closed_in_the_mode(off):
    log = []

    @off
    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            log.append(records())

    async def main():
        async for _ in numbers():
            break
        gc.collect()
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert log == [OFF]


# --- and what the engine itself switches ---


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("around", [False, True])
def test_hooks_and_rules_record_as_their_sweep_does(create, around):
    seen = []

    def rule(g, x):
        seen.append(records())
        return g * x * 2.0

    square = fg.primitive(lambda x, /: x * x, vjp=rule)
    x = fg.tensor(3.0, requires_grad=True)
    y = square(x) * x
    y.register_hook(lambda g: seen.append(records()))
    with fg.no_grad() if around else fg.enable_grad():
        (g,) = fg.gradients(y, [x], create_graph=create)
        assert fg.is_grad_enabled() is not around
    assert seen == [create] * 2 and g.item() == 27.0
    assert g.requires_grad is create
    if create:
        assert fg.gradients(g, [x])[0].item() == 18.0


def test_a_block_that_a_rule_opens_holds_inside_it():
    seen = []

    def rule(g, x):
        with fg.enable_grad():
            seen.append(records())
            with fg.no_grad():
                seen.append(records())
        seen.append(records())
        return g * 2.0

    twice = fg.primitive(lambda x, /: x * 2.0, vjp=rule)
    x = fg.tensor(3.0, requires_grad=True)
    twice(x).backward()
    assert seen == [ON, OFF, OFF] and x.grad.item() == 2.0


def test_a_generator_that_a_hook_leaves_suspended_costs_no_gradient():
    held = []

    def quiet():
        with fg.no_grad():
            yield

    def hook(g):
        held.append(quiet())
        next(held[-1])

    x = fg.tensor(2.0, requires_grad=True)
    y = fg.hypot(x, 0.0) * x
    z = y * x
    z.register_hook(hook)
    (g,) = fg.gradients(z, [x], create_graph=True)
    held[0].close()
    assert g.item() == 12.0 and fg.gradients(g, [x])[0].item() == 12.0
