"""User-defined ops: a NumPy function and its vjp rule make an op. They are not entered in the table of rules."""

import functools

import numpy as np

from fastgrad import primitive_errors as messages
from fastgrad._engine import Function, Tensor, asarray, is_grad_enabled, trace, untrace, write_count
from fastgrad.errors import DTypeError, MutationError, NotDifferentiableError, ShapeError
from fastgrad.rules.rule import Rule, ops
from fastgrad.tracebacks import boundary


@boundary
def primitive(forward=None, /, *, vjp, name=None, elementwise=False, holomorphic=True):
    """Define an op ("gate") from a NumPy function and its vjp rule. Usable as a decorator: `@primitive(vjp=...)`.

    Parameters
    ----------
    forward : callable or numpy.ufunc
        Computes the result, one array, from arrays. Its operands are the positional-only parameters (before `/`); if
        there are none, the parameters without a default; or all of `*xs`. The other parameters are options, which
        receive no gradient.
    vjp : callable, tuple of callables, or None
        One rule per operand, None where no gradient flows; one rule for all of `*xs`. A rule returns the cotangent of
        its operand. The names of its parameters select what it reads: `g`, the cotangent of the result ("upstream
        gradient"); `y`, the result; an operand or option by its name in `forward`; `x_shape` and `x_dtype` for an
        operand `x`; and `i`, the number of the operand, for `*xs`. A name with two of these meanings is an error; a
        parameter of any other name keeps its default. The rule computes with Tensors, using operators and functions
        of NumPy or fastgrad, so that it can be differentiated in turn.
    name : str, optional
        The name of the op, for `Tensor.op` and error messages. By default the name of `forward`.
    elementwise : bool
        Whether the op broadcasts as NumPy's ufuncs do: each rule returns a cotangent with the shape of the result,
        which is then summed to the shape of the operand. True for a ufunc.
    holomorphic : bool
        False if the rule itself returns the conjugate transpose, or if the op is not complex-differentiable.

    Returns
    -------
    function
        Takes Tensors, arrays and numbers, and returns a recorded Tensor.

    Raises
    ------
    DTypeError
        If `forward` or `vjp` is not callable, or its parameters do not fit.

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
    return Function(_UserRule(forward, vjp, name=name, elementwise=elementwise, holomorphic=holomorphic))


def _from_ufunc(ufunc):
    if ufunc.nout != 1 or ufunc.nin > 2:
        raise TypeError(f"primitive: {ufunc!r} has {ufunc.nin} operands and {ufunc.nout} results: wrap it in a def")

    if ufunc.nin == 1:

        def forward(x, /):
            return ufunc(x)
    else:

        def forward(x1, x2, /):
            return ufunc(x1, x2)

    return forward


class _UserRule(Rule):
    """A rule of a user, whose functions are checked at each call. Errors name the function."""

    __slots__ = ()

    def __init__(self, forward, vjp, *, name, **facts):
        name = name or getattr(forward, "__name__", None) or type(forward).__name__
        if not _names_operands(forward):
            raise messages.primitive_without_operands(name)
        names, n_first, _, many, defaults = self._parameters(forward)
        operands = None if many or n_first else len([word for word in names if word not in defaults])
        if not (many or n_first or operands):
            raise messages.primitive_without_operands(name)
        rules = vjp if isinstance(vjp, tuple) else (vjp,)
        for rule in rules:
            if rule is not None and "g" not in (p.name for p in _signature(rule) or ()):
                raise messages.not_a_vjp(name, rule)
        reads = [None if rule is None else _Vjp(rule) for rule in rules]
        operand_names = (many,) if many else names[: operands or n_first]
        known = {"g": ["the cotangent"], "y": ["the result"], **({"i": ["the operand's number"]} if many else {})}
        for word in operand_names:
            for attribute in "shape", "dtype":
                known.setdefault(f"{word}_{attribute}", []).append(f"the {attribute} of {word!r}")
            known.setdefault(word, []).append(f"the operands '*{word}'" if many else f"the operand {word!r}")
        for word in names[0 if many else len(operand_names) :]:
            known.setdefault(word, []).append(f"the option {word!r}")
        for read in reads:
            if read is not None:
                read.resolve(name, known)
        super().__init__(forward, tuple(reads), name=name, operands=operands, numpy=(), **facts)
        if len(rules) != len(self.operand_names):
            raise messages.vjp_count(name, self.operand_names, len(rules))
        self.forward = self._checked_forward(forward)
        self.vjps = tuple(
            read and self._checked_vjp(read, word) for read, word in zip(reads, self.operand_names, strict=True)
        )

    @staticmethod
    def _parameters(forward):
        """As `Rule._parameters`, for any callable."""
        found = _signature(forward)
        kinds = [p.kind for p in found]
        many = [p.name for p in found if p.kind == p.VAR_POSITIONAL]
        names = tuple(p.name for p in found if p.kind != p.VAR_POSITIONAL)
        defaults = {p.name: p.default for p in found if p.default is not p.empty}
        n_first = sum(kind == kind.POSITIONAL_ONLY for kind in kinds)
        n_named = n_first + sum(kind == kind.POSITIONAL_OR_KEYWORD for kind in kinds)
        return names, n_first, n_named, many[0] if many else None, defaults

    @staticmethod
    def _arguments(read):
        return read.words

    def _checked_forward(self, forward):
        @functools.wraps(forward, updated=())
        def checked(*arrays, **params):
            arrays = [_read_only(a) if isinstance(a, np.ndarray) and a.flags.writeable else a for a in arrays]
            value = forward(*arrays, **params)
            if isinstance(value, (tuple, list, dict, str)) or value is None:
                kind = type(value).__name__
                raise TypeError(f"primitive {self.name!r}: the forward must return one array, got {kind}")
            if isinstance(value, np.ndarray) and (value.base is not None or any(value is a for a in arrays)):
                value = value.copy()  # later writes to the operands must not change the result
            return value

        return checked

    def _checked_vjp(self, read, word):
        g_at = read.words.index("g")

        @functools.wraps(read.rule, updated=())
        def checked(*values):
            values = [
                ops.copy(v) if k == g_at else v for k, v in enumerate(values)
            ]  # other nodes may share the cotangent
            gx = self._call_vjp(read, values, g_at)
            g = values[g_at]
            what = f"the vjp of {self.name!r} for {word!r}"
            if gx is None:
                raise TypeError(f"{what} returned None: return zeros, or pass None instead if no gradient flows")
            if not isinstance(gx, Tensor):
                if is_grad_enabled() and any(isinstance(v, Tensor) and v.requires_grad for v in values):
                    raise NotDifferentiableError(
                        f"{what} returned {type(gx).__name__}, not a Tensor, but its derivative is needed: use "
                        "operators, NumPy or fastgrad functions on the Tensors that it is given"
                    )
                gx = asarray(gx)
            if gx.dtype.kind not in "fc":
                raise DTypeError(f"{what} returned {gx.dtype}: a cotangent must be floating or complex")
            if self.elementwise and gx.shape != g.shape:
                raise ShapeError(f"{what} returned shape {gx.shape}, the result has {g.shape} (elementwise=True)")
            return gx

        return checked

    def _call_vjp(self, read, values, g_at):
        """Call the rule. Raises if it writes to an operand or the result; it may write to its cotangent."""
        others = [v for k, v in enumerate(values) if k != g_at]
        if self.variadic:
            others = [v for part in others for v in (part if isinstance(part, tuple) else (part,))]
        tensors = [v for v in others if isinstance(v, Tensor)]
        before = list(map(write_count, tensors))
        traced = [v for v in (values[g_at], *tensors) if v.requires_grad] if is_grad_enabled() else ()
        trace(traced)  # if the sweep is recorded, values that leave the graph would be lost to the next derivative
        try:
            gx = read(values)
        finally:
            untrace(traced)
        if before != list(map(write_count, tensors)):
            raise MutationError(
                f"the vjp of {self.name!r} wrote in place to an operand or to the result, which other nodes may still "
                "read: write to a copy, x.copy(), or out of place; it may write to its cotangent g"
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


class _Vjp:
    """A vjp and the names of the parameters that it is called with, `words`."""

    __slots__ = ("by_name", "parameters", "rule", "words")

    def __init__(self, rule):
        self.rule = rule
        self.parameters = _signature(rule)

    def resolve(self, name, known):
        """Find the parameters that are passed; the others keep their default. Raises for an ambiguous name.

        `known` maps each name to its meanings.
        """
        read = []
        for p in self.parameters:
            has_default = p.default is not p.empty
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                raise messages.not_a_vjp(name, self.rule)
            if p.name not in known and has_default:
                if p.kind == p.POSITIONAL_ONLY:
                    raise messages.vjp_word(name, p.name, ["positional-only with a default of its own"])
                continue
            meanings = known.get(p.name, []) + ["a name with a default"] * has_default
            if len(meanings) > 1:
                raise messages.vjp_word(name, p.name, meanings)
            read.append(p)
        skipped = False  # parameters after one that keeps its default are passed by name
        self.by_name = []
        for p in self.parameters:
            if p not in read:
                skipped = True
            elif skipped or p.kind == p.KEYWORD_ONLY:
                self.by_name.append(p.name)
        self.words = tuple(p.name for p in read)

    def __call__(self, values):
        n = len(values) - len(self.by_name)
        return self.rule(*values[:n], **dict(zip(self.by_name, values[n:], strict=True)))


def _names_operands(forward):
    """Return whether a forward has neither `**options` nor parameters before `*xs`."""
    found = _signature(forward)
    if found is None:
        raise messages.not_a_forward(forward)
    return not any(p.kind == p.VAR_KEYWORD or (p.kind == p.VAR_POSITIONAL and k > 0) for k, p in enumerate(found))


def _signature(function):
    """Return the parameters of a callable, or None if it is a class or has no signature."""
    import inspect

    try:
        return None if isinstance(function, type) else list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
