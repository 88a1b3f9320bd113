"""Switches that `with` blocks and decorators set, each for the flow of control that it encloses and for no other.

A context variable holds the innermost block of a context, every block knows the one around it, and the first that is
open decides. A block is over when it is closed, wherever that happens: in another order than blocks were opened in, as
with generators that take turns, or in another context, as with a generator that the garbage collector finishes. Tasks
have contexts of their own, so that what one of them opens never shows in another; a context copied inside a block is
covered until that block is closed. Imports nothing of fastgrad.
"""

import functools
from contextvars import ContextVar

_WHERE = """
    A context manager and a decorator. It holds for what runs inside, in this thread and in this task: other tasks do
    not see it; tasks started inside do, until the block is over. One object may be entered several times.

    While a generator is suspended inside such a block, the code that consumes it is inside as well, as with any context
    variable. Decorate the generator function instead: the mode then holds while the generator runs, and only then.
    Coroutine functions and asynchronous generator functions are decorated in the same way.
    """
NO_GRAD = f"""Operations inside are not recorded.
{_WHERE}"""
ENABLE_GRAD = f"""Operations inside are recorded, also where `no_grad` is around them.
{_WHERE}"""


class Block:
    """One opening of a switch, on or off."""

    __slots__ = ("counted", "is_open", "on", "outer")

    def __init__(self, on, outer=None):
        self.on, self.outer, self.is_open = on, outer, True
        self.counted = None  # what an engine lets go of when the block is closed or dropped

    def close(self):
        self.is_open = False
        self.counted = None


class Switch:
    """Something that is on or off, as the innermost open block here says, or as by default."""

    def __init__(self, name, default):
        self._default = default
        self.innermost = ContextVar("fastgrad." + name, default=None)

    def __bool__(self):
        block = self._first_here()
        return self._default if block is None else block.on

    def _first_here(self):
        block = self.innermost.get()
        if block is not None and not block.is_open:
            block.outer = block = _first_open(block.outer)
        return block

    def open(self, on):
        """A block that is open from here on, in this context."""
        around = self.innermost.get()
        if around is not None:
            around.outer = _first_open(around.outer)  # no chain of closed ones, however long blocks go on to overlap
        block = Block(on, _first_open(around))
        self.innermost.set(block)
        return block

    def leave(self, blocks):
        """Close one of `blocks`, of one Mode entered several times: the innermost here, else the last."""
        block = self._first_here() if len(blocks) > 1 else None
        while block is not None and block not in blocks:
            block = block.outer = _first_open(block.outer)
        if blocks:
            block = block or blocks[-1]
            blocks.remove(block)
            block.close()


def _first_open(block):
    while block is not None and not block.is_open:
        block = block.outer
    return block


class Mode:
    """A context manager and decorator that sets a switch. One object may be entered again and again."""

    def __init__(self, switch, on):
        self._switch, self._on, self._blocks = switch, on, []

    def enter(self):
        block = self._switch.open(self._on)
        self._blocks.append(block)
        return block

    def __enter__(self):
        self.enter()

    def __exit__(self, *exc):
        self._switch.leave(self._blocks)

    def __call__(self, function):
        switch, on = self._switch, self._on
        return decorated(function, lambda: Mode(switch, on), lambda: Block(on), switch.innermost)


def decorated(function, make_mode, make_block, innermost):
    """`function` in a mode. Of a generator or coroutine function all that runs is in the mode, and nothing that runs
    while it is suspended.

    `make_mode` makes the context manager, `make_block` a Block on its own; `innermost` is the context variable.
    """
    import inspect

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with _Steps(make_block(), innermost) as steps:
                return (yield from steps.all_of(steps.run(function, *args, **kwargs)))

    elif inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapped(*args, **kwargs):
            with _Steps(make_block(), innermost) as steps:
                return await _Awaited(steps, steps.run(function, *args, **kwargs))

    elif inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def wrapped(*args, **kwargs):
            with _Steps(make_block(), innermost) as steps:
                generator = steps.run(function, *args, **kwargs)
                step = generator.asend(None)
                while True:
                    try:
                        item = await _Awaited(steps, step)
                    except StopAsyncIteration:
                        return
                    try:
                        step = generator.asend((yield item))
                    except BaseException as error:  # thrown in, or the end of it all: the generator's to answer
                        step = generator.athrow(error)

    else:

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with make_mode():
                return function(*args, **kwargs)

    return wrapped


class _Steps:
    """Runs the steps of one generator or coroutine inside a block, and inside those that it has opened itself."""

    __slots__ = ("block", "inner", "innermost")

    def __init__(self, block, innermost):
        self.block = self.inner = block
        self.innermost = innermost

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.block.close()

    def run(self, step, *args, **kwargs):
        outer = self.innermost.get()
        self.innermost.set(self.inner)
        try:
            return step(*args, **kwargs)
        finally:
            self.inner = self.innermost.get()
            self.innermost.set(outer)

    def all_of(self, iterator):
        """`yield from iterator`."""
        step, value = iterator.send, None
        try:
            while True:
                item = self.run(step, value)
                try:
                    value = yield item
                    step = iterator.send
                except BaseException as error:
                    step, value = iterator.throw, error
        except StopIteration as end:
            return end.value


class _Awaited:
    __slots__ = ("awaitable", "steps")

    def __init__(self, steps, awaitable):
        self.steps, self.awaitable = steps, awaitable

    def __await__(self):
        return self.steps.all_of(self.awaitable.__await__())
