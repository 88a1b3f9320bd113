"""The rule: all that belongs to one op, and the decorator that makes an op of it. Knows no engine but by its names.

    @rule(vjp=lambda g, y: g * (1 - y) * (1 + y), domain=(-3, 3))
    def tanh(x, /):
        "Hyperbolic tangent of `x`."
        return np.tanh(x)

The decorated function is the forward, on arrays. `vjp` is the local rule "gradient times upstream gradient", one
function per operand, written on Tensors, so that a sweep with `create_graph=True` records it. What a rule reads is
what its parameters name:

    g              the cotangent of the result, of the result's shape and dtype
    y              the result
    x, x1, ...     an operand, by its name in the forward
    x_shape, x_dtype   only that operand's shape or dtype: its value is not kept
    axis, ...      a parameter, by its name in the forward
    i              of a variadic op (`def concat(*xs, axis)`), the number of the operand that is asked for

What is not named is not read, and may be overwritten between forward and backward.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastgrad import _engine, _numpy_errors
from fastgrad._lazy import lazy_module

docs = lazy_module("fastgrad.rules.docs")

RULES: dict[str, "Rule"] = {}  # name -> rule; what the tests, docs, stubs and benches walk
FUNCTIONS: dict[str, Any] = {}  # name and aliases -> the public function


_BYTES = (np.dtype(np.int8), np.dtype(np.uint8), np.dtype(np.bool))


class _Ops:
    """The ops by name, for a rule that needs one of a family read after its own: `ops.getitem(g, key)`."""


ops: Any = _Ops()


class Rule:
    """One op: forward, vjp, and what tests and docs need to know. Immutable after the decorator has run."""

    __slots__ = (
        "name", "forward", "vjps", "operand_names", "n_operands", "variadic", "param_names", "defaults", "elementwise",
        "view", "holomorphic", "domain", "samples", "aliases", "numpy_names", "reads_result", "reads_operand",
        "_readers", "_words", "has_vjp", "synonyms", "takes_dtype", "prepare", "together", "n_positional", "facts",
    )  # fmt: skip

    def __init__(
        self, forward, vjp, *, name=None, operands=None, elementwise=False, view=False, holomorphic=True, domain=None,
        samples=None, aliases=(), numpy=None, synonyms=None, takes_dtype=False, prepare=None, together=False,
    ):  # fmt: skip
        self.name = name or forward.__name__
        self.forward = forward
        names, n_first, n_named, many, self.defaults = self._parameters(forward)
        self.variadic = many is not None
        self.n_operands = 0 if self.variadic else (operands or n_first)
        self.operand_names = (many,) if self.variadic else names[: self.n_operands]
        self.param_names = names[self.n_operands :]
        self.n_positional = n_named - self.n_operands  # how many of them may be given without their name
        self.elementwise = elementwise
        self.view = view
        self.holomorphic = holomorphic
        self.domain = domain
        self.samples = samples
        self.aliases = aliases
        self.numpy_names = (self.name,) if numpy is None else numpy
        self.synonyms = synonyms or {}
        self.takes_dtype = takes_dtype
        self.prepare = prepare
        self.together = together
        self.vjps = vjp if isinstance(vjp, tuple) else (vjp,)
        self.has_vjp = any(v is not None for v in self.vjps)
        self._words = [None if v is None else self._arguments(v) for v in self.vjps]
        words = {word for named in self._words if named is not None for word in named}
        for word in words.difference(self.operand_names, self.param_names, "gy"):
            self._reader(word)  # refuses what is unknown
        self.reads_result = "y" in words
        self.reads_operand = tuple([name in words for name in self.operand_names])
        self._readers = None
        self.facts = {}  # what the compiled engine has asked, by which operands are tensors

    def _read_by(self, at):
        """What vjp number `at` names. Found out when it is first asked for: most rules of a program never are."""
        if self._readers is None:
            self._readers = [None if named is None else tuple(map(self._reader, named)) for named in self._words]
        return self._readers[at]

    @staticmethod
    def _parameters(forward):
        """Of a forward: its named parameters, how many of them are positional-only, how many are given by position, the
        name of `*xs` or None, the defaults.
        """
        code = forward.__code__
        n = code.co_argcount
        names = code.co_varnames[: n + code.co_kwonlyargcount]
        many = code.co_varnames[len(names)] if code.co_flags & 0x04 else None
        values = forward.__defaults__ or ()
        defaults = dict(zip(names[n - len(values) : n], values, strict=True))
        defaults.update(forward.__kwdefaults__ or {})
        return names, code.co_posonlyargcount, n, many, defaults

    @staticmethod
    def _arguments(function):
        """What a vjp names."""
        code = function.__code__
        return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    def _reader(self, word):
        """What one parameter of a vjp stands for, as a pair (kind, key)."""
        if word == "g":
            return "cotangent", None
        if word == "y":
            return "result", None
        if word == "i" and self.variadic:
            return "number", None
        if word in self.operand_names:
            return "operand", self.operand_names.index(word)
        if word in self.param_names:
            return "param", word
        stem, _, attribute = word.rpartition("_")
        if stem in self.operand_names and attribute in ("shape", "dtype"):
            return attribute, self.operand_names.index(stem)
        raise TypeError(f"the vjp of {self.name!r} names {word!r}, which is no operand or parameter of it")

    def bind(self, args, kwargs):
        """Split a call into `(operands, params)`, as Python would bind it to the forward."""
        if self.variadic:
            operands, rest = args, ()
        else:
            operands, rest = args[: self.n_operands], args[self.n_operands :]
        if len(rest) > self.n_positional:
            most = self.n_operands + self.n_positional
            raise TypeError(f"{self.name}() takes at most {most} arguments, {len(args)} given")
        params = dict(zip(self.param_names, rest, strict=False))
        for key, value in kwargs.items():
            if key in self.synonyms:
                key = self.synonyms[key]
            if key in params or (key not in self.param_names and key not in self.operand_names):
                problem = "multiple values for" if key in params else "an unexpected keyword"
                raise TypeError(f"{self.name}() got {problem} argument {key!r}")
            params[key] = value
        if not self.variadic:
            for key in self.operand_names[len(operands) :]:
                if key in params:
                    operands += (params.pop(key),)
                elif key in self.defaults:
                    operands += (self.defaults[key],)
                else:
                    raise TypeError(f"{self.name}() missing argument {key!r}")
        for key in self.param_names:
            if key not in params:
                if key not in self.defaults:
                    raise TypeError(f"{self.name}() missing argument {key!r}")
                params[key] = self.defaults[key]
        return self.prepared(operands, params)

    def prepared(self, operands, params):
        """Operands and parameters in the form that the forward and the vjps work with."""
        if self.takes_dtype and params["dtype"] is not None:
            operands, params["dtype"] = _in_dtype(operands, np.dtype(params["dtype"]))
        if self.prepare is not None:
            params = self.prepare(params)
        return operands, params

    def signature(self):
        """The signature of the op's function, as `inspect` has it."""
        return docs.signature(self)

    def docstring(self):
        """The docstring of the op's function."""
        return docs.docstring(self)

    def differentiable(self, k):
        """Whether a gradient flows to operand number `k`."""
        return self._vjp_at(k) is not None

    def reads(self, k, among=None):
        """Whether a vjp reads the value of operand number `k`: any, or one of the operands `among`, by number."""
        at = 0 if self.variadic else k
        return self.reads_operand[at] and (among is None or self._named(self.operand_names[at], among))

    def reads_y(self, among=None):
        """Whether a vjp reads the result: any, or one of the operands `among`, by number."""
        return self.reads_result and (among is None or self._named("y", among))

    def _named(self, word, among):
        return any(word in named for named in (self._words[self._at(k)] for k in among) if named is not None)

    def _at(self, k):
        """Which vjp is for operand number `k`."""
        return 0 if self.variadic or len(self.vjps) == 1 else k

    def _vjp_at(self, k):
        return self.vjps[self._at(k)]

    def run(self, operands, params):
        """The forward, without NumPy's warnings: infinities and NaN are values, and `detect_anomaly` finds them."""
        if _numpy_errors.quiet is None:
            with np.errstate(all="ignore"):
                return self.forward(*operands, **params)
        before = _numpy_errors.variable.get()
        try:  # an interrupt may come as soon as `set` has returned: too early for a token to be at hand
            _numpy_errors.variable.set(_numpy_errors.quiet)
            return self.forward(*operands, **params)
        finally:
            _numpy_errors.variable.set(before)

    def run_wider(self, operands, params):
        """The forward where NumPy answers in float16, which a Tensor cannot hold: bytes and booleans as float32."""
        wider = [o.astype(np.float32) if getattr(o, "dtype", None) in _BYTES else o for o in operands]
        return self.run(wider, params)

    def pull(self, k, g, y, operands, params):
        """The cotangent of operand number `k`: a Tensor of that operand's shape and dtype.

        `g` and `y` are Tensors; `operands` are Tensors, Python scalars or None, as they were recorded. The rule of a
        holomorphic op is the transpose; a complex cotangent wants the conjugate transpose, conj(rule(conj(g))).
        """
        at = 0 if len(self.vjps) == 1 else k
        twist = self.holomorphic and g.dtype.kind == "c"
        gx = self.vjps[at](*self._values(at, k, ops.conj(g) if twist else g, y, operands, params))
        return self._fitted(gx, operands[k], twist)

    def pull_all(self, g, y, operands, params):
        """The cotangents of all operands, of a rule that gives them together; None for an operand that is none."""
        twist = self.holomorphic and g.dtype.kind == "c"
        found = self.vjps[0](*self._values(0, 0, ops.conj(g) if twist else g, y, operands, params))
        return [
            self._fitted(gx, x, twist) if gx is not None and hasattr(x, "shape") else None
            for gx, x in zip(found, operands, strict=True)
        ]

    def _values(self, at, k, g, y, operands, params):
        """What vjp number `at` reads, for operand number `k`."""
        values = []
        for kind, key in self._read_by(at):
            if kind == "cotangent":
                values.append(g)
            elif kind == "result":
                values.append(y)
            elif kind == "param":
                values.append(params[key])
            elif kind == "number":
                values.append(k)
            else:
                operand = operands if self.variadic else operands[key]
                if kind == "shape":
                    operand = tuple(o.shape for o in operand) if self.variadic else getattr(operand, "shape", ())
                elif kind == "dtype":
                    operand = tuple(o.dtype for o in operand) if self.variadic else operand.dtype
                values.append(operand)
        return values

    def _fitted(self, gx, x, twist):
        """What a vjp gave, in the shape and dtype of the operand."""
        if self.elementwise and gx.shape != x.shape:
            gx = ops.sum_to(gx, x.shape)
        if twist:
            gx = ops.conj(gx)
        if gx.dtype != x.dtype:
            if gx.dtype.kind == "c" and x.dtype.kind != "c":
                gx = ops.real(gx)
            if gx.dtype != x.dtype:
                gx = ops.astype(gx, x.dtype)
        return gx

    def __repr__(self):
        return f"<rule {self.name}>"


def _in_dtype(operands, dtype):
    """What `dtype=` asks for: the operand is converted to a floating or complex one, so that its gradient comes back
    through the conversion; any other is left to the forward, whose result is a constant.
    """
    if dtype.kind in "fc" and getattr(operands[0], "dtype", None) != dtype:
        operands = (ops.astype(operands[0], dtype), *operands[1:])
    return operands, None if dtype.kind == "f" else dtype


def rule(*, vjp: Callable | tuple | None, **facts) -> Callable[[Callable], Any]:
    """Make an op of a forward function. Returns the public function: it takes Tensors, arrays and scalars, and records.

    Parameters
    ----------
    vjp : function, tuple of functions, or None
        The rule, one function per operand (one for all of a variadic op); None where no gradient flows.
    name : str, optional
        The op's name; the forward's own name otherwise.
    operands : int, optional
        How many leading arguments are operands; the positional-only ones otherwise. Operands may be None by default.
    elementwise : bool
        Broadcasting as NumPy; each cotangent is summed back to its operand's shape.
    view : bool
        The result may share the first operand's memory.
    holomorphic : bool
        False where the rule already is the conjugate transpose, or the op is not complex-differentiable.
    domain : (low, high) or tuple of them
        Interval, per operand, from which tests and benches draw elements; away from kinks and poles.
    samples : function of a numpy Generator
        For ops that need more than an interval: yields `(operands, params)` pairs.
    aliases : tuple of str
        Further public names.
    numpy : tuple of str, optional
        Names in NumPy whose protocols reach this op; the op's own name otherwise.
    synonyms : dict, optional
        Further keywords, each with the name of the parameter or operand it stands for.
    takes_dtype : bool
        The forward has a parameter `dtype`, as NumPy's reductions; a floating or complex one converts the operand.
    prepare : function of the parameters, optional
        Puts parameters into the form that forward and vjp work with; runs once per call.
    together : bool
        The one vjp gives the cotangents of all operands, as a tuple: for rules whose parts share most of the work.
    """

    def decorate(forward):
        made = Rule(forward, vjp, **facts)
        if made.name in RULES:
            raise ValueError(f"there is a rule named {made.name!r} already")
        function = _engine.Function(made)
        RULES[made.name] = made
        for word in (made.name, *made.aliases):
            FUNCTIONS[word] = function
            setattr(ops, word, function)
        return function

    return decorate
