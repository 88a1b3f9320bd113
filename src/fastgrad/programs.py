"""`fg.compile`: a function that is recorded once, and then replayed without Python."""

import functools
import inspect
import os

from fastgrad import made_functions, program_errors
from fastgrad._engine import Program

_CHECKED = os.environ.get("FASTGRAD_CHECK_PROGRAMS", "") not in ("", "0")


def compile(f=None, *, static=(), check=False):
    """Return a function that does what `f` does, and after its first call without running the Python code of `f`.

    The first call with arguments of given structure, shapes and dtypes runs `f` and records every kernel call with the
    memory that it uses. Later calls make the same kernel calls again, so that results are equal to the bit. This
    includes gradients, nested transforms, writes to Tensors that `f` closes over, and steps of optimizers.

    Arguments are arrays, Tensors and numbers, and nested tuples, lists and dicts of them. `f` gets Tensors in their
    place. Other objects, such as strings, and arguments named in `static` are part of what the program was recorded
    for: other values are recorded again. So are other values of the numbers and functions that `f` closes over or finds
    in its globals. Tensors around `f`, such as parameters, are read and written where they are.

    Results are Tensors if an argument is a Tensor, otherwise arrays and NumPy scalars. They have no graph: call
    `backward()` inside `f`, or compile `fg.value_and_grad(f)`. Inside another transform, and for arguments that require
    a gradient, `f` is called as it is.

    Python code of `f` that is not an op, such as `print` or appending to a list, runs only while the program is
    recorded.

    Parameters
    ----------
    f : function, optional
        Without it, a decorator is returned.
    static : str, int, or sequence of them
        Names or positions of parameters that are no inputs: numbers that are used as shapes, indices or switches.
    check : bool
        Run `f` at every call as well, and raise if the program gives another result. The environment variable
        `FASTGRAD_CHECK_PROGRAMS=1` does so for all programs.

    Returns
    -------
    Program

    Raises
    ------
    CompileError
        At the first call, if a value leaves (`float(x)`, `x.item()`, `x.numpy()`, a mask as an index), if a result
        still has its graph, or if a hook would be called; with `check`, if a result differs.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> step = fg.compile(fg.value_and_grad(lambda x: (x * x).sum()))
    >>> step(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    >>> step(np.array([3.0, 4.0]))
    (np.float64(25.0), array([6., 8.]))
    """
    if f is None:
        return functools.partial(compile, static=static, check=check)
    if not callable(f):
        raise TypeError(f"compile: a function was expected, got {type(f).__name__}")
    static = static if isinstance(static, (str, int)) else tuple(static)
    program = functools.update_wrapper(Program(f, _positions(f, static), check or _CHECKED), f)
    return made_functions.remember(program, compile, f, static=static, check=check)


def _positions(f, static):
    """Return the static parameters by name and, if they can be passed so, by position."""
    given = (static,) if isinstance(static, (str, int)) else static
    if not given:
        return set()
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # of a built-in function
        parameters = None
    found = set()
    for one in given:
        if parameters is None:
            found.add(one)
            continue
        names = [p.name for p in parameters]
        open_ended = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
        if isinstance(one, int) and 0 <= one < len(parameters):
            found |= {one, names[one]}
        elif one in names:
            found |= {one, names.index(one)}
        elif open_ended:
            found.add(one)
        else:
            raise program_errors.no_such_parameter(one, names)
    return found
