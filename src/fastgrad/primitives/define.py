"""`primitive`: makes an op of the functions of a user."""

import functools
import inspect

import numpy as np

from fastgrad import primitive_errors as messages
from fastgrad._engine import Function
from fastgrad.made_functions import MadeFunction, remember
from fastgrad.primitives.calls import CALL, Call
from fastgrad.primitives.rule import DERIVED, UserRule
from fastgrad.primitives.words import Forward
from fastgrad.tracebacks import boundary


@boundary
def primitive(
    forward=None, /, *, vjp=..., jvp=None, name=None, outputs=1, saves=False, options=(), elementwise=False,
    together=False, holomorphic=True, batch=None,
):  # fmt: skip
    """Define an op ("gate") from a NumPy function and its vjp rule. Usable as a decorator: `@primitive(vjp=...)`.

    Parameters
    ----------
    forward : callable or numpy.ufunc
        Computes the result, one array, from arrays. Its operands are the positional-only parameters (before `/`); if
        there are none, the parameters without a default; or all of `*xs`. The other parameters are options, which
        receive no gradient and may be any objects.
    vjp : callable, tuple of callables, or None
        One rule per operand, None where no gradient flows; one rule for all of `*xs`. A rule returns the cotangent of
        its operand. The names of its parameters select what it reads: `g`, the cotangent of the result ("upstream
        gradient"); `y`, the result; an operand or option by its name in `forward`; `x_shape` and `x_dtype` for an
        operand `x`; `i`, the number of the operand, for `*xs`; and `saved`, with `saves`. A name with two of these
        meanings is an error; a parameter of any other name keeps its default. The rule computes with Tensors, using
        operators and functions of NumPy or fastgrad, so that it can be differentiated in turn. If it is left out, it
        is derived from `jvp`.
    jvp : callable, tuple of callables, "linear", "multilinear" or None
        Forward mode: as `vjp`, with `t`, the tangent of the operand, in place of `g`. A rule returns the tangent of
        the result, or None for zeros; those of several operands are added. "linear": the op is linear in all operands
        together, and is applied to their tangents. "multilinear": it is linear in each operand. By default the jvp is
        derived from `vjp`.
    name : str, optional
        The name of the op, for `Tensor.op` and error messages. By default the name of `forward`.
    outputs : int
        The number of results. If there are several, `forward` returns a tuple of arrays, whose dtypes may differ, and
        the op a tuple of Tensors. `g` is the tuple of their cotangents, zeros for unused results, None for integers;
        `y` is the tuple of results; and a jvp returns a tuple of tangents.
    saves : bool
        `forward` returns a pair `(result, saved)`: any values that rules read as `saved`, such as a factorization.
        Arrays are passed as Tensors, other objects as they are. The derivatives of saved values are not known: if a
        rule computes with them and is itself differentiated, an error is raised. They can be passed as options to
        other ops.
    options : str or tuple of str
        Parameters that are options though they have no default, or come before the operands, as a function to solve.
    elementwise : bool
        Whether the op broadcasts as NumPy's ufuncs do: each rule returns a cotangent with the shape of the result,
        which is then summed to the shape of the operand. True for a ufunc.
    together : bool
        `vjp` is one rule that returns the cotangents of all operands as a tuple, None for zeros, because they share
        most of the work.
    holomorphic : bool
        False if the rule itself returns the conjugate transpose, or if the op is not complex-differentiable.
    batch : callable, optional
        How `vmap` calls the op: `batch(operands, batched, options, size)` returns operands and options with which the
        op computes the results of a whole batch, along axis 0. `batched` says which of the operands have an
        additional axis 0, of length `size`. By default the op is called once per element, unless it is elementwise.

    Returns
    -------
    function
        Takes Tensors, arrays and numbers, and returns a recorded Tensor, or a tuple of them.

    Raises
    ------
    DTypeError
        If `forward`, `vjp` or `jvp` is not callable, or its parameters do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> @fg.primitive(vjp=lambda g, y: g * y * (1 - y))
    ... def logistic(x):
    ...     return 1 / (1 + np.exp(-x))
    >>> float(fg.grad(logistic)(0.0))
    0.25
    """
    recipe = {
        "vjp": vjp, "jvp": jvp, "name": name, "outputs": outputs, "saves": saves, "options": options,
        "elementwise": elementwise, "together": together, "holomorphic": holomorphic, "batch": batch,
    }  # fmt: skip
    if forward is None:
        return functools.partial(primitive, **recipe)
    given = forward
    if isinstance(forward, np.ufunc):
        outputs, name, elementwise = forward.nout, name or forward.__name__, True
        forward = _from_ufunc(forward)
    name = name or getattr(forward, "__name__", None) or type(forward).__name__
    if type(outputs) is not int or outputs < 1:
        raise messages.output_count(name, outputs)
    if vjp is ...:
        if jvp is None:
            raise messages.no_rule(name)
        vjp = DERIVED
    called = Forward(forward, name, (options,) if isinstance(options, str) else tuple(options), saves or outputs > 1)
    rule = UserRule(
        called, vjp, jvp=jvp, outputs=outputs, saves=saves, elementwise=elementwise, together=together,
        holomorphic=holomorphic, batch=batch,
    )  # fmt: skip
    made = Function(rule)
    if called.reordered or rule.takes_call:
        made = _with_call(made, called, outputs, saves)
    return remember(made, primitive, given, **recipe)


def _with_call(function, forward, outputs, saves):
    """Return the function for users of an op that takes a `Call`, or whose options come before operands."""
    takes_call = saves or outputs > 1

    def op(*args, **kwargs):
        if forward.reordered:
            args, kwargs = forward.bind(args, kwargs)
        if not takes_call:
            return function(*args, **kwargs)
        call = Call()
        y = function(*args, **kwargs, **{CALL: call})
        return call.results(y) if outputs > 1 else y

    made = MadeFunction(op)
    made.__name__ = made.__qualname__ = forward.__name__
    made.__module__, made.__wrapped__ = forward.__module__, forward.function
    made.__signature__ = inspect.Signature(forward.parameters)
    made.__doc__ = function.__doc__
    return made


def _from_ufunc(ufunc):
    if ufunc.nin > 2 or ufunc.signature is not None:
        raise TypeError(f"primitive: {ufunc!r} has {ufunc.nin} operands and {ufunc.nout} results: wrap it in a def")

    if ufunc.nin == 1:

        def forward(x, /):
            return ufunc(x)
    else:

        def forward(x1, x2, /):
            return ufunc(x1, x2)

    return forward
