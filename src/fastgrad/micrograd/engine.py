"""The `Value` of the engine in use, compiled or in plain Python, and programs made of its graphs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fastgrad._engine import name as _name
from fastgrad._lazy import lazy_module

_picture = lazy_module("fastgrad.pictures.picture")

if TYPE_CHECKING or _name == "python":
    from fastgrad.micrograd.program_python import Program
    from fastgrad.micrograd.value_python import Value
else:
    from fastgrad.core.value import Program, Value, install_html

    install_html(lambda value: _picture.html_of(value))

__all__ = ["Program", "Value", "replay"]


def replay(loss: Value, refresh: Iterable[Value] = ()) -> Program:
    """Convert the graph of a Value into a program that computes it again, without building the graph.

    A call of the program does what building the graph anew and calling `backward()` on it would do to the leaves: it
    reads their current `data`, adds the gradients to their `grad`, and returns the value of the loss. Set `grad` to 0
    between calls, for example by `zero_grad`, as with micrograd.

    Parameters
    ----------
    loss : Value
        The result of a graph that does the same operations for all `data` of its leaves. Decisions that Python made
        while it built the graph, such as an `if`, are not repeated.
    refresh : iterable of Values
        Intermediate results of the graph, or the loss, whose `data` each call sets as well. Without it, a call
        changes nothing but the `grad` of leaves.

    Returns
    -------
    Program
        A callable without arguments that returns a float. `program.leaves` is the tuple of its leaves, which it keeps
        alive: all Values without operands, and the Python numbers of expressions, which are Values in a graph. It does
        not keep the other Values alive.

    Raises
    ------
    CompileError
        If the graph contains an op of your own, with its own `_backward`.
    NotDifferentiableError
        If `loss` is not a Value, or a member of `refresh` is not one of its graph.

    Notes
    -----
    Programs compute with float64, and give the same bits as Values whose leaves are floats: ints are converted, and
    gradients are floats. A leaf of another type, such as `numpy.float32` or `Fraction`, raises an error when the
    program is called. Where Python's arithmetic raises, as in `0.0**-1`, so does the program. A call that raises has
    changed nothing. Programs cannot be pickled.

    In the compiled engine, a step takes at most 28 bytes, and a sum of products is one step. A program must not be
    called while it is running.

    Examples
    --------
    >>> w = Value(3.0)
    >>> loss = (w * 2.0 - 1.0) ** 2
    >>> program = replay(loss)
    >>> w.data = 1.0
    >>> program(), w.grad
    (1.0, 4.0)
    """
    return Program(loss, refresh)
