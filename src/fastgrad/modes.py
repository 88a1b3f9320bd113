"""Switches that `with` blocks and decorators set for the code that they enclose.

A context variable holds the innermost block of a context, and each block refers to the one around it. The first block
that is open decides. A block ends when it is closed, wherever that happens: blocks may be closed in another order than
they were opened, as by generators that run alternately, or in another context, as by a generator that the garbage
collector finishes. Tasks have contexts of their own, so a block that one task opens does not affect the others; a
context that was copied inside a block is affected until that block is closed.
"""

import functools
from contextvars import ContextVar

from fastgrad import made_functions

_SCOPE = """
    Usable as a context manager and as a decorator. It affects the code inside, in this thread and this task. Tasks that
    are started inside are affected until the block ends; other tasks are not. One object may be entered several times.

    While a generator is suspended inside such a block, the code that consumes it is inside the block as well, as with
    any context variable. To avoid this, decorate the generator function: the mode then applies only while the generator
    runs. Coroutine functions and asynchronous generator functions can be decorated in the same way.
    """
NO_GRAD = f"""Disable the recording of operations.
{_SCOPE}"""
ENABLE_GRAD = f"""Enable the recording of operations, also inside `no_grad`.
{_SCOPE}"""


class Block:
    """One `with` block of a switch, on or off."""

    __slots__ = ("is_open", "on", "outer")

    def __init__(self, on, outer=None):
        self.on, self.outer, self.is_open = on, outer, True

    def close(self):
        self.is_open = False


class Switch:
    """A setting that is on or off. The innermost open block of the context decides, or else the default."""

    def __init__(self, name, default):
        self._default = default
        self.innermost = ContextVar("fastgrad." + name, default=None)

    def __bool__(self):
        block = self._innermost_open()
        return self._default if block is None else block.on

    def _innermost_open(self):
        block = self.innermost.get()
        if block is not None and not block.is_open:
            block.outer = block = _first_open(block.outer)
        return block

    def open(self, on):
        """Open a block in this context and return it."""
        around = self.innermost.get()
        if around is not None:
            around.outer = _first_open(around.outer)  # overlapping blocks must not form a chain of closed ones
        block = Block(on, _first_open(around))
        self.innermost.set(block)
        return block

    def leave(self, blocks):
        """Close one of the `blocks` of a Mode: the innermost of this context, or else the last."""
        block = self._innermost_open() if len(blocks) > 1 else None
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
    """A context manager and decorator that sets a switch. One object may be entered several times."""

    def __init__(self, switch, on):
        self._switch, self._on, self._blocks = switch, on, []

    def __enter__(self):
        self._blocks.append(self._switch.open(self._on))

    def __exit__(self, *exc):
        self._switch.leave(self._blocks)

    def __call__(self, function):
        return decorated(function, self)

    def __reduce__(self):
        return made_functions.called, ("enable_grad" if self._on else "no_grad",)

    def again(self):
        """Return another one for the same switch."""
        return Mode(self._switch, self._on)

    def steps(self):
        """Return what runs a generator or coroutine in this mode."""
        return Steps(Block(self._on), self._switch.innermost)


def decorated(function, mode):
    """Return `function` wrapped in a mode.

    The mode of a generator or coroutine function applies while it runs, and not while it is suspended.
    """
    import inspect

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with mode.steps() as steps:
                return (yield from steps.run_all(steps.run(function, *args, **kwargs)))

    elif inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapped(*args, **kwargs):
            with mode.steps() as steps:
                return await _Awaited(steps, steps.run(function, *args, **kwargs))

    elif inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def wrapped(*args, **kwargs):
            with mode.steps() as steps:
                generator = steps.run(function, *args, **kwargs)
                step = generator.asend(None)
                while True:
                    try:
                        item = await _Awaited(steps, step)
                    except StopAsyncIteration:
                        return
                    try:
                        step = generator.asend((yield item))
                    except BaseException as error:  # thrown in by the consumer, or GeneratorExit
                        step = generator.athrow(error)

    else:

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with mode.again():
                return function(*args, **kwargs)

    return wrapped


class Steps:
    """Runs the steps of one generator or coroutine inside a block, and inside the blocks that it has opened itself."""

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

    def run_all(self, iterator):
        """Run all steps, as `yield from iterator` does."""
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
        return self.steps.run_all(self.awaitable.__await__())
