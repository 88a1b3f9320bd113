"""The rule: everything that defines one op, and the decorator that makes it an op. Knows engines by name only.

    @rule(vjp=lambda g, y: g * (1 - y) * (1 + y), domain=(-3, 3))
    def tanh(x, /):
        "Hyperbolic tangent of `x`."
        return np.tanh(x)

The decorated function is the forward, which computes with arrays. `vjp` is the local rule "gradient times upstream
gradient", one function per operand, which computes with Tensors, so that a sweep with `create_graph=True` records it.
The names of its parameters select what a rule reads:

    g              the cotangent of the result, of the shape and dtype of the result
    y              the result
    x, x1, ...     an operand, by its name in the forward
    x_shape, x_dtype   the shape or dtype of an operand, whose value is then not saved
    axis, ...      a parameter, by its name in the forward
    i              the number of the operand, of a variadic op (`def concat(*xs, axis)`)

Values that no rule names are not saved, and may be overwritten between forward and backward.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastgrad import _engine, _numpy_errors, parameters
from fastgrad._lazy import lazy_module
from fastgrad.rules.derivatives import Derivatives, ops

docs = lazy_module("fastgrad.rules.docs")

RULES: dict[str, "Rule"] = {}  # name -> rule; iterated over by tests, docs, stubs and benchmarks
FUNCTIONS: dict[str, Any] = {}  # name and aliases -> the public function


_ONLY_PYTORCH = {*parameters.PYTORCH_KEYWORDS, "unbiased"}
_BYTES = (np.dtype(np.int8), np.dtype(np.uint8), np.dtype(np.bool))


class Rule(Derivatives):
    """One op: its forward, its vjp, and the facts that tests and docs need. Immutable after the decorator has run."""

    __slots__ = (
        "name", "forward", "vjps", "operand_names", "n_operands", "variadic", "param_names", "defaults", "elementwise",
        "view", "holomorphic", "domain", "samples", "aliases", "numpy_names", "reads_result", "reads_operand",
        "_readers", "_vjp_names", "has_vjp", "synonyms", "takes_dtype", "prepare", "together", "n_positional",
        "function", "hermitian", "jvp", "jvps", "batch", "aligns", "_jvp_read_by", "pattern",
    )  # fmt: skip

    def __init__(
        self, forward, vjp, *, name=None, operands=None, elementwise=False, view=False, holomorphic=True, domain=None,
        samples=None, aliases=(), numpy=None, synonyms=None, takes_dtype=False, prepare=None, together=False,
        hermitian=False, jvp=None, batch=None, pattern=None,
    ):  # fmt: skip
        self.name = name or forward.__name__
        self.forward = forward
        names, n_first, n_named, many, self.defaults = self._parameters(forward)
        self.variadic = many is not None
        self.n_operands = 0 if self.variadic else (operands or n_first)
        self.operand_names = (many,) if self.variadic else names[: self.n_operands]
        self.param_names = names[self.n_operands :]
        self.n_positional = n_named - self.n_operands  # number of parameters that may be passed by position
        self.elementwise = elementwise
        self.view = view
        self.holomorphic = holomorphic
        self.domain = domain
        self.samples = samples
        self.aliases = aliases
        self.numpy_names = (self.name,) if numpy is None else numpy
        self.synonyms = {key: name for key, name in parameters.PYTORCH_KEYWORDS.items() if name in self.param_names}
        self.synonyms.update(synonyms or {})
        self.takes_dtype = takes_dtype
        self.prepare = prepare
        self.together = together
        self.hermitian = hermitian
        self.vjps = vjp if isinstance(vjp, tuple) else (vjp,)
        self.has_vjp = any(v is not None for v in self.vjps)
        self._vjp_names = [None if v is None else self._arguments(v) for v in self.vjps]
        words = {word for named in self._vjp_names if named is not None for word in named}
        for word in words.difference(self.operand_names, self.param_names, "gy"):
            self._reader(word)  # raises for an unknown name
        self.reads_result = "y" in words
        self.reads_operand = tuple([name in words for name in self.operand_names])
        self._readers = None
        self.jvp = jvp
        self.jvps = None if jvp is None or isinstance(jvp, str) else jvp if isinstance(jvp, tuple) else (jvp,)
        self._jvp_read_by = None
        self._check_jvps()
        self.batch = batch
        # Whether a batch needs nothing but operands of one rank.
        self.aligns = elementwise and batch is None and not self.variadic and not self.param_names
        self.pattern = pattern
        self.function = None  # the op that users call, once the engine has made it

    def _read_by(self, at):
        """Return the readers of vjp number `at`. Computed on first use, because a program uses few of the rules."""
        if self._readers is None:
            self._readers = [None if named is None else tuple(map(self._reader, named)) for named in self._vjp_names]
        return self._readers[at]

    def _check_jvps(self):
        """Raise if a jvp is misspelt, or reads a value that the vjp does not keep."""
        if self.jvps is None:
            if self.jvp not in (None, "linear", "multilinear"):
                raise TypeError(f"jvp of {self.name!r}: 'linear', 'multilinear' or functions, not {self.jvp!r}")
            return
        for at, function in enumerate(self.jvps):
            kept = {"t", *self.param_names, *(self._vjp_names[at if len(self._vjp_names) > 1 else 0] or ())}
            for word in () if function is None else self._arguments(function):
                if word not in kept and self._reader(word)[0] in ("operand", "result"):
                    raise TypeError(f"the jvp of {self.name!r} reads {word!r}, which its vjp does not keep")

    def _jvp_readers(self, at):
        """Return the readers of jvp number `at`; a tangent is read in the place of a cotangent."""
        if self._jvp_read_by is None:
            self._jvp_read_by = [
                None if f is None else tuple(self._reader("g" if word == "t" else word) for word in self._arguments(f))
                for f in self.jvps
            ]
        return self._jvp_read_by[at]

    @staticmethod
    def _parameters(forward):
        """Return the parameters of a forward.

        These are the names, the numbers of positional-only and of positional ones, the name of `*xs`, the defaults.
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
        """Return the names of the parameters of a vjp."""
        code = function.__code__
        return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    def _reader(self, word):
        """Return what a parameter of a vjp stands for, as a pair (kind, key)."""
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
        raise TypeError(f"the vjp of {self.name!r} names {word!r}, which is not an operand or parameter of it")

    def bind(self, args, kwargs):
        """Split a call into `(operands, params)`, as Python would bind it to the forward."""
        if self.variadic:
            operands, rest = args, ()
        else:
            operands, rest = args[: self.n_operands], args[self.n_operands :]
        if len(rest) > self.n_positional:
            most = self.n_operands + self.n_positional
            raise TypeError(f"{self.name}() takes at most {most} arguments, got {len(args)}")
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
        """Return operands and parameters in the form that the forward and the vjps accept."""
        if self.takes_dtype and params["dtype"] is not None:
            operands, params["dtype"] = _in_dtype(operands, np.dtype(params["dtype"]))
        if self.prepare is not None:
            params = self.prepare(params)
        return operands, params

    def other_call(self, kwargs):
        """Return the function for a call with keywords that the op itself does not have, or None."""
        if not kwargs.keys().isdisjoint(parameters.MASKED_KEYWORDS.get(self.name, ())):
            return parameters.MASKED_CALLS[self.name]
        return parameters.PYTORCH_CALLS.get(self.name) if not kwargs.keys().isdisjoint(_ONLY_PYTORCH) else None

    def plain_types(self):
        """Return, per parameter, the types that `prepared` leaves unchanged, None for all types; None if unknown."""
        if self.prepare is not None and not hasattr(self.prepare, "plain"):
            return None
        plain = {} if self.prepare is None else dict(self.prepare.plain)
        if self.takes_dtype:  # converts the operand
            plain["dtype"] = (type(None),)
        return [plain.get(name) for name in self.param_names]

    def signature(self):
        """Return the signature of the op's function."""
        return docs.signature(self)

    def docstring(self):
        """Return the docstring of the op's function."""
        return docs.docstring(self)

    def differentiable(self, k):
        """Return whether a gradient flows to operand number `k`."""
        return self._vjp_at(k) is not None

    def reads(self, k, among=None):
        """Return whether a vjp of the operands `among` (numbers; all if None) reads the value of operand number `k`."""
        at = 0 if self.variadic else k
        return self.reads_operand[at] and (among is None or self._any_reads(self.operand_names[at], among))

    def reads_y(self, among=None):
        """Return whether a vjp of the operands `among` (numbers; all if None) reads the result."""
        return self.reads_result and (among is None or self._any_reads("y", among))

    def facts(self, numbers, among=None):
        """Return what the vjps need of the operands `numbers`, for engines: `(reads, flows, reads_y)`.

        Bit k of `reads` is set if a vjp of the operands `among` reads operand k, and bit k of `flows` if a gradient
        flows to operand k. Operands from number 31 on share a bit.
        """
        reads = flows = 0
        for k in numbers:
            reads |= self.reads(k, among) << min(k, 31)
            flows |= self.differentiable(k) << min(k, 31)
        return reads, flows, self.reads_y(among)

    def _any_reads(self, word, among):
        return any(word in named for named in (self._vjp_names[self._at(k)] for k in among) if named is not None)

    def _at(self, k):
        """Return the number of the vjp for operand number `k`."""
        return 0 if self.variadic or len(self.vjps) == 1 else k

    def _vjp_at(self, k):
        return self.vjps[self._at(k)]

    def run(self, operands, params):
        """Run the forward without NumPy's warnings: infinities and NaN are valid, and `detect_anomaly` reports them."""
        if _numpy_errors.quiet is None:
            with np.errstate(all="ignore"):
                return self.forward(*operands, **params)
        before = _numpy_errors.variable.get()
        try:  # reset by value, since an interrupt could come before a token was assigned
            _numpy_errors.variable.set(_numpy_errors.quiet)
            return self.forward(*operands, **params)
        finally:
            _numpy_errors.variable.set(before)

    def run_wider(self, operands, params):
        """Run the forward with bytes and booleans as float32, where NumPy's result would be float16."""
        wider = [o.astype(np.float32) if getattr(o, "dtype", None) in _BYTES else o for o in operands]
        return self.run(wider, params)

    def __repr__(self):
        return f"<rule {self.name}>"


def _in_dtype(operands, dtype):
    """Return the operands and `dtype=` for the forward.

    For a floating or complex dtype the operand is converted, so that its gradient flows through the conversion. Other
    dtypes are passed to the forward, whose result is then a constant.
    """
    if dtype.kind in "fc" and getattr(operands[0], "dtype", None) != dtype:
        operands = (ops.astype(operands[0], dtype), *operands[1:])
    return operands, None if dtype.kind == "f" else dtype


def rule(*, vjp: Callable | tuple | None, **facts) -> Callable[[Callable], Any]:
    """Make an op of a forward function. Returns the public function, which takes Tensors, arrays and scalars.

    Parameters
    ----------
    vjp : function, tuple of functions, or None
        The rule: one function per operand, or one for all operands of a variadic op; None where no gradient flows.
    name : str, optional
        The name of the op. By default the name of the forward.
    operands : int, optional
        The number of leading parameters that are operands. By default the positional-only ones. An operand may have
        the default None.
    elementwise : bool
        The op broadcasts as NumPy's ufuncs do; each cotangent is summed to the shape of its operand.
    view : bool
        The result may share the memory of the first operand.
    holomorphic : bool
        False if the rule itself returns the conjugate transpose, or if the op is not complex-differentiable.
    domain : (low, high) or tuple of them
        The interval, per operand, from which tests and benchmarks draw elements, away from kinks and poles.
    samples : function of a numpy Generator
        Yields `(operands, params)` pairs, for ops that need more than an interval.
    aliases : tuple of str
        Other public names.
    numpy : tuple of str, optional
        The names of the NumPy functions that are dispatched to this op. By default its own name.
    synonyms : dict, optional
        Other keywords, each with the name of the parameter or operand it stands for.
    takes_dtype : bool
        The forward has a parameter `dtype`, as NumPy's reductions; a floating or complex one converts the operand.
    prepare : function of the parameters, optional
        Converts the parameters to the form that forward and vjp accept; runs once per call.
    together : bool
        One vjp returns the cotangents of all operands as a tuple, for rules that share most of the work.
    jvp : function, tuple of functions, "linear", "multilinear" or None
        Forward mode: as `vjp`, with the parameter `t`, the tangent of the operand, in place of `g`; the results of
        several operands are added. It may read what the vjp reads. "linear": the op is linear in all operands
        together, and is applied to their tangents. "multilinear": it is linear in each operand. None: the vjp itself
        of an elementwise op, whose Jacobian is diagonal, and the vjp of the vjp of others.
    batch : function, optional
        `batch(operands, batched, params, size)` returns operands and parameters with which the same op computes the
        results of a batch, along axis 0: operands with `batched` set have an additional axis 0 of length `size`.
        Without it, ops that are not elementwise are applied to one element after the other.
    pattern : function, optional
        `pattern(call, k)` returns which elements of the result depend on which of operand `k`, see `rules/patterns.py`.
        Without it, all elements of ops that are neither elementwise nor views depend on all elements.
    hermitian : bool
        The operand is a Hermitian matrix, of which the forward may read one triangle only. The cotangent is Hermitian,
        and is the derivative in Hermitian directions.
    """

    def decorate(forward):
        made = Rule(forward, vjp, **facts)
        if made.name in RULES:
            raise ValueError(f"a rule named {made.name!r} exists already")
        function = _engine.Function(made)
        RULES[made.name] = made
        for word in (made.name, *made.aliases):
            FUNCTIONS[word] = function
            setattr(ops, word, function)
        return function

    return decorate
