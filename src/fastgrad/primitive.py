"""User-defined ops: a NumPy function and its vjp rule, made an op. Never enters the table of rules."""

import functools

import numpy as np

from fastgrad._engine import Function, Tensor, asarray, is_grad_enabled, trace, untrace, write_count
from fastgrad.errors import DTypeError, MutationError, NotDifferentiableError, ShapeError
from fastgrad.rules.rule import Rule, ops

_VARARGS = 0x04  # code flags: takes *args
_KEYWORDS = 0x08  # takes **kwargs


def primitive(forward=None, /, *, vjp, name=None, elementwise=False, holomorphic=True):
    """Define an op ("gate") from a NumPy function and its vjp rule. Also a decorator: `@primitive(vjp=...)`.

    Parameters
    ----------
    forward : function or numpy.ufunc
        Computes the result, one array, from arrays. Its operands are the positional-only parameters (before `/`),
        or, if there are none, those without a default; or all of `*xs`. The other parameters are options and
        receive no gradient.
    vjp : function, tuple of functions, or None
        For each operand the rule that gives its cotangent, None where no gradient flows; one for all of `*xs`. A
        rule's parameters say what it reads: `g`, the cotangent of the result ("upstream gradient"); `y`, the
        result; an operand or an option by its name in `forward`; `x_shape`, `x_dtype` for an operand `x`; of `*xs`,
        `i`, the number of the operand. It works on Tensors, with operators, NumPy or fastgrad functions, so that it
        can be differentiated in turn.
    name : str, optional
        The op's name, for `Tensor.op` and error texts; `forward`'s own name otherwise.
    elementwise : bool
        The op broadcasts as NumPy's do: each rule returns a cotangent of the result's shape, and it is summed to
        the operand's. True for a ufunc.
    holomorphic : bool
        False where the rule returns the conjugate transpose itself, or the op is not complex-differentiable.

    Returns
    -------
    function
        Takes Tensors, arrays and numbers, returns a Tensor, and records.

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
    if forward is None:
        return lambda function: primitive(
            function, vjp=vjp, name=name, elementwise=elementwise, holomorphic=holomorphic
        )
    if isinstance(forward, np.ufunc):
        forward, name, elementwise = _from_ufunc(forward), name or forward.__name__, True
    if not hasattr(forward, "__code__"):
        raise TypeError(f"primitive: the forward is a Python function or a ufunc, got {forward!r}; wrap it in a def")
    return Function(_UserRule(forward, vjp, name=name, elementwise=elementwise, holomorphic=holomorphic))


def _from_ufunc(ufunc):
    if ufunc.nout != 1 or ufunc.nin > 2:
        raise TypeError(f"primitive: {ufunc!r} has {ufunc.nin} operands and {ufunc.nout} results; wrap it in a def")

    if ufunc.nin == 1:

        def forward(x, /):
            return ufunc(x)
    else:

        def forward(x1, x2, /):
            return ufunc(x1, x2)

    return forward


class _UserRule(Rule):
    """A rule that distrusts: what its functions return is checked each time, and named in the error."""

    __slots__ = ()

    def __init__(self, forward, vjp, *, name, **facts):
        name = name or forward.__name__
        code = forward.__code__
        operands = None
        if not code.co_flags & _VARARGS and not code.co_posonlyargcount:
            operands = code.co_argcount - len(forward.__defaults__ or ())
        if code.co_flags & _KEYWORDS or not (code.co_flags & _VARARGS or code.co_posonlyargcount or operands):
            raise TypeError(f"primitive {name!r}: the forward must name its parameters and have an operand")
        rules = vjp if isinstance(vjp, tuple) else (vjp,)
        for rule in rules:
            if rule is not None and not (hasattr(rule, "__code__") and "g" in _words(rule)):
                raise TypeError(
                    f"primitive {name!r}: a vjp is a Python function that names g, the cotangent of the result, "
                    f"and what else it reads; got {rule!r}"
                )
        super().__init__(forward, vjp, name=name, operands=operands, numpy=(), **facts)
        self._read_by(0)  # while the vjps still have their own parameters
        wanted = 1 if self.variadic else self.n_operands
        if len(rules) != wanted:
            raise TypeError(
                f"primitive {name!r}: {wanted} operand(s), {', '.join(self.operand_names)}, and {len(rules)} vjp(s); "
                "give a tuple of one per operand, None where no gradient flows"
            )
        self.forward = self._checked_forward(forward)
        self.vjps = tuple(
            rule and self._checked_vjp(rule, word) for rule, word in zip(self.vjps, self.operand_names, strict=True)
        )

    def _checked_forward(self, forward):
        @functools.wraps(forward)
        def checked(*arrays, **params):
            arrays = [_read_only(a) if isinstance(a, np.ndarray) and a.flags.writeable else a for a in arrays]
            value = forward(*arrays, **params)
            if isinstance(value, (tuple, list, dict, str)) or value is None:
                kind = type(value).__name__
                raise TypeError(f"primitive {self.name!r}: the forward must return one array, got {kind}")
            if isinstance(value, np.ndarray) and (value.base is not None or any(value is a for a in arrays)):
                value = value.copy()  # the operands' memory may be written later; the result must not follow
            return value

        return checked

    def _checked_vjp(self, rule, word):
        g_at = _words(rule).index("g")

        @functools.wraps(rule)
        def checked(*values):
            values = [
                ops.copy(v) if k == g_at else v for k, v in enumerate(values)
            ]  # other nodes may share the cotangent
            gx = self._called(rule, values, g_at)
            g = values[g_at]
            what = f"the vjp of {self.name!r} for {word!r}"
            if gx is None:
                raise TypeError(f"{what} returned None; return zeros, or give None in its place if no gradient flows")
            if not isinstance(gx, Tensor):
                if is_grad_enabled() and any(isinstance(v, Tensor) and v.requires_grad for v in values):
                    raise NotDifferentiableError(
                        f"{what} returned {type(gx).__name__}, no Tensor, while a derivative of it is asked for; "
                        "compute with operators, NumPy or fastgrad functions on the Tensors it is given"
                    )
                gx = asarray(gx)
            if gx.dtype.kind not in "fc":
                raise DTypeError(f"{what} returned {gx.dtype}; a cotangent is floating or complex")
            if self.elementwise and gx.shape != g.shape:
                raise ShapeError(f"{what} returned shape {gx.shape}, the result has {g.shape} (elementwise=True)")
            return gx

        return checked

    def _called(self, rule, values, g_at):
        """What `rule` returns. It may write to its cotangent, not to operands and result, nor lose a derivative."""
        others = [v for k, v in enumerate(values) if k != g_at]
        if self.variadic:
            others = [v for part in others for v in (part if isinstance(part, tuple) else (part,))]
        tensors = [v for v in others if isinstance(v, Tensor)]
        before = list(map(write_count, tensors))
        traced = [v for v in (values[g_at], *tensors) if v.requires_grad] if is_grad_enabled() else ()
        trace(traced)  # while the sweep itself is recorded, what leaves the rule is lost to the next derivative
        try:
            gx = rule(*values)
        finally:
            untrace(traced)
        if before != list(map(write_count, tensors)):
            raise MutationError(
                f"the vjp of {self.name!r} wrote in place to an operand or to the result, which others may still "
                "read: write to a copy, x.copy(), or out of place; its cotangent g is its own to write to"
            )
        return gx

    def pull(self, k, g, y, operands, params):
        gx = super().pull(k, g, y, operands, params)
        x = operands[k]
        if gx.shape != x.shape:
            what = f"the vjp of {self.name!r} for {self.operand_names[0 if self.variadic else k]!r}"
            raise ShapeError(f"{what} returned shape {gx.shape}, the operand has {x.shape}")
        return gx


def _read_only(array):
    array = array.view()
    array.flags.writeable = False
    return array


def _words(function):
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
