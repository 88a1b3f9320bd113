"""The rule of a user-defined op, whose functions are checked at each call. Errors name the op."""

import functools
import inspect
import math

import numpy as np

from fastgrad import primitive_errors as messages
from fastgrad._engine import Tensor, asarray, enable_grad, gradients, is_grad_enabled
from fastgrad.errors import ShapeError
from fastgrad.primitives import checks
from fastgrad.primitives.calls import CALL, Call, is_opaque, options_of
from fastgrad.primitives.words import Reader, meanings
from fastgrad.rules.rule import Rule, ops

DERIVED = object()  # in place of a vjp that is the transpose of the jvp


class UserRule(Rule):
    """A rule of a user.

    If the forward returns several results or saves values, the rule has the additional parameter `_call`, which takes
    them. Several results are packed into one array, and cotangents and tangents of the rule are those of that array.
    """

    __slots__ = ("broadcasts", "outputs", "readers_of_jvps", "readers_of_vjps", "saves", "takes_call")

    def __init__(self, forward, vjp, *, jvp, outputs, saves, elementwise, **facts):
        name = forward.__name__
        self.outputs, self.saves, self.broadcasts = outputs, saves, elementwise
        self.takes_call = saves or outputs > 1
        n = 1 if forward.many else len(forward.operands)
        self.readers_of_jvps = None
        if jvp is not None and not isinstance(jvp, str):
            self.readers_of_jvps = self._readers_of(forward, "jvp", jvp, n)
        if vjp is DERIVED:
            if self.readers_of_jvps is None:
                raise messages.no_rule(name)
            self.readers_of_vjps = self.readers_of_jvps
        else:
            self.readers_of_vjps = self._readers_of(forward, "vjp", vjp, 1 if facts["together"] else n)
        # To the engines, an op with several results or saved values is not elementwise, even if it broadcasts.
        super().__init__(
            forward, self.readers_of_vjps, name=name, operands=None if forward.many else n, numpy=(),
            elementwise=elementwise and not self.takes_call, jvp=jvp, **facts,
        )  # fmt: skip
        if elementwise and self.takes_call:
            self.batch = self.batch or _aligned
            self.pattern = _pattern
        words = {word for read in self.readers_of_jvps or () if read is not None for word in read.words}
        self.reads_result = self.reads_result or "y" in words
        self.reads_operand = tuple(
            was or word in words for was, word in zip(self.reads_operand, self.operand_names, strict=True)
        )
        self.forward = self._checked_forward(forward)
        if vjp is not DERIVED:
            self.vjps = tuple(
                None if read is None else self._checked_vjp(read, word)
                for read, word in zip(
                    self.readers_of_vjps, (None,) if self.together else self.operand_names, strict=True
                )
            )
        if forward.options:
            self.prepare = options_of(name, forward.options)

    def _readers_of(self, forward, kind, given, n):
        given = given if isinstance(given, tuple) else (given,)
        known = meanings(forward, kind, self.saves)
        readers = tuple(None if rule is None else Reader(forward.__name__, rule, kind, known) for rule in given)
        if len(given) != n:
            raise messages.rule_count(forward.__name__, kind, forward.operands, len(given))
        return readers

    @staticmethod
    def _parameters(forward):
        """As `Rule._parameters`, for a `Forward`."""
        found = forward.called_as
        names = tuple(p.name for p in found if p.kind != p.VAR_POSITIONAL)
        defaults = {p.name: p.default for p in found if p.default is not p.empty}
        n_first = sum(p.kind == p.POSITIONAL_ONLY for p in found)
        n_named = n_first + sum(p.kind == p.POSITIONAL_OR_KEYWORD for p in found)
        return names, n_first, n_named, forward.operands[0] if forward.many else None, defaults

    @staticmethod
    def _arguments(read):
        return read.words

    def _check_jvps(self):
        if isinstance(self.jvp, str) and self.jvp not in ("linear", "multilinear"):
            raise messages.unknown_jvp(self.name, self.jvp)
        self.jvps = self.readers_of_jvps

    def _reader(self, word):
        return ("cotangent", None) if word == "t" else super()._reader(CALL if word == "saved" else word)

    def _any_reads(self, word, among):
        """As `Rule._any_reads`; what a jvp reads is kept, too."""
        jvps = self.readers_of_jvps and [self.readers_of_jvps[0 if self.variadic else k] for k in among]
        return super()._any_reads(word, among) or any(read is not None and word in read.words for read in jvps or ())

    def signature(self):
        """Return the signature of the function of the user."""
        return inspect.Signature(self.forward.__wrapped__.parameters)

    def docstring(self):
        """Return the docstring of the function of the user."""
        return self.forward.__doc__

    # --- the forward

    def _checked_forward(self, forward):
        n = None if self.variadic else self.n_operands
        function = forward if forward.reordered else forward.function

        def run(values, params):
            """Return what the function returns, and the operands as it got them: it must not write to them."""
            arrays = [checks.read_only(a) for a in values[:n]]
            try:
                return function(*arrays, *values[len(arrays) :], **params), arrays
            except ValueError as error:
                if "read-only" in str(error):
                    raise messages.operand_written(self.name, error) from error
                raise

        @functools.wraps(forward, updated=())
        def checked(*values, **params):
            value, arrays = run(values, params)
            if type(value) is not np.ndarray:
                value = checks.result(self.name, value)
            own = value.base is None
            for a in arrays:  # `any` would take 0.2 us
                own = own and value is not a
            return value if own else value.copy()  # later writes to the operands must not change the result

        @functools.wraps(forward, updated=())
        def checked_with_call(*values, **params):
            call, saved = params.pop(CALL), None
            value, arrays = run(values, params)
            if self.saves:
                if not isinstance(value, (tuple, list)) or len(value) != 2:
                    raise messages.no_saved_values(self.name, value)
                value, saved = value
            if self.outputs > 1:
                value = checks.results(self.name, value, self.outputs)
                arrays += value
                value = call.packed(value)
            else:
                value = checks.result(self.name, value)
                if value.base is not None or any(value is a for a in arrays):
                    value = value.copy()  # later writes to the operands must not change the result
                arrays.append(value)
            if self.saves:
                call.keep(saved, arrays)
            return value

        return checked_with_call if self.takes_call else checked

    # --- reverse mode

    def _values(self, readers, k, g, y, operands, params):
        """As `Rule._values`; cotangents and results of several are tuples, and `_call` is the saved values."""
        if self.outputs > 1:
            g = params[CALL].layout.split_floating(g)
        return self._with_kept(readers, k, g, y, operands, params)

    def _with_kept(self, readers, k, g, y, operands, params):
        call = params.get(CALL)
        if self.outputs > 1 and ("result", None) in readers:
            y = call.results(y)
        if self.saves and ("param", CALL) in readers:
            params = {**params, CALL: call.saved_for(operands)}
        return super()._values(readers, k, g, y, operands, params)

    def _checked_vjp(self, read, operand):
        """Return the vjp of one operand, or of all operands together if `operand` is None, with checks."""
        what = f"the vjp of {self.name!r}" + ("" if operand is None else f" for {operand!r}")

        @functools.wraps(read.rule, updated=())
        def checked(*values):
            values = list(values)
            found = checks.call_rule(self.name, read, values)
            if operand is None and isinstance(found, (tuple, list)):
                return [None if gx is None else self._cotangent(gx, what, read, values) for gx in found]
            if operand is None:
                return found
            if found is None:
                raise TypeError(f"{what} returned None: return zeros, or pass None instead if no gradient flows")
            return self._cotangent(found, what, read, values)

        return checked

    def _cotangent(self, gx, what, read, values):
        gx = checks.derivative(gx, what, values, "cotangent")
        if self.broadcasts:
            g = values[read.words.index("g")]
            shape = next(part.shape for part in (g if isinstance(g, tuple) else (g,)) if part is not None)
            if gx.shape != shape:
                raise ShapeError(f"{what} returned shape {gx.shape}, the result has {shape} (elementwise=True)")
        return gx

    def pull(self, k, g, y, operands, params):
        """As `Rule.pull`, with checks."""
        if self.readers_of_vjps is self.readers_of_jvps:
            return self._pull_through_jvp(k, g, y, operands, params)
        gx = super().pull(k, g, y, operands, params)
        return self._fitted(gx, k, self.operand_names[0 if self.variadic else k], operands, params)

    def pull_all(self, g, y, operands, params):
        """As `Rule.pull_all`, with checks; None is a cotangent of zeros."""
        conjugate = self.holomorphic and g.dtype.kind == "c"
        g = ops.conj(g) if conjugate else g
        found = self.vjps[0](*self._values(self._read_by(0), 0, g, y, operands, params))
        if not isinstance(found, (tuple, list)) or len(found) != len(operands):
            raise messages.not_together(self.name, found, len(operands))
        names = self.operand_names * len(found) if self.variadic else self.operand_names
        cotangents = []
        for k, (gx, x, word) in enumerate(zip(found, operands, names, strict=True)):
            if not isinstance(x, Tensor):
                gx = None
            elif gx is None:
                gx = asarray(np.zeros(x.shape, x.dtype))
            else:
                gx = self._fitted(self._fit(gx, x, conjugate), k, word, operands, params)
            cotangents.append(gx)
        return cotangents

    def pull_batch(self, k, g, y, operands, params, size):
        """As `Rule.pull_batch`; the functions of a user get one cotangent at a time."""
        return self._batched(lambda g: self.pull(k, g, y, operands, params), (g,), size)

    def _fit(self, gx, x, conjugate):
        return super()._fit(ops.sum_to(gx, x.shape) if self.broadcasts and gx.shape != x.shape else gx, x, conjugate)

    def _fitted(self, gx, k, word, operands, params):
        """Raise if a cotangent does not have the shape of its operand, or is not recorded though it must be."""
        what = f"the vjp of {self.name!r} for {word!r}"
        if gx.shape != operands[k].shape:
            raise ShapeError(f"{what} returned shape {gx.shape}, the operand has {operands[k].shape}")
        if self.saves and not gx.requires_grad and is_grad_enabled() and is_opaque(params[CALL].saved):
            recorded = any(isinstance(o, Tensor) and o.requires_grad for o in operands)
            if recorded and "saved" in self.readers_of_vjps[self._at(k)].words:
                raise messages.saved_only(what)
        return gx

    def _pull_through_jvp(self, k, g, y, operands, params):
        """Return the transpose of the jvp, which is linear in the tangent: its vjp at zero."""
        recording = is_grad_enabled()
        if not recording:
            operands = [x.detach() if isinstance(x, Tensor) else x for x in operands]
            y = y.detach()
        x = operands[k]
        with enable_grad():
            t = asarray(np.zeros(x.shape, x.dtype)).requires_grad_()
            dy = self._tangent(k, t, y, operands, params)
        gx = None
        if dy is not None and dy.requires_grad:
            (gx,) = gradients((dy,), (t,), (g,), create_graph=recording, allow_unused=True)
        return asarray(np.zeros(x.shape, x.dtype)) if gx is None else gx

    # --- forward mode

    def push(self, tangents, y, operands, params):
        """As `Rule.push`, with checks."""
        if self.jvps is None:
            if self.takes_call and self.jvp is not None:  # the op itself is applied, which is a new call
                params = {**params, CALL: Call()}
            return super().push(tangents, y, operands, params)
        total = None
        for k, t in enumerate(tangents):
            part = None if t is None else self._tangent(k, t, y, operands, params)
            if part is not None:
                total = part if total is None else total + part
        return total

    def push_batch(self, tangents, y, operands, params, size):
        """As `Rule.push_batch`; the functions of a user get one tangent at a time."""
        varying = [t for t in tangents if t is not None]

        def of_one(*varying):
            varying = iter(varying)
            return self.push([None if t is None else next(varying) for t in tangents], y, operands, params)

        return self._batched(of_one, varying, size)

    def _tangent(self, k, t, y, operands, params):
        """Return the part of operand `k`, of the shape and dtype of the recorded result; None for zeros."""
        at = 0 if self.variadic else k
        read = self.readers_of_jvps[at]
        if read is None:
            return None
        values = self._with_kept(self._jvp_readers(at), k, t, y, operands, params)
        found = checks.call_rule(self.name, read, values)
        what = f"the jvp of {self.name!r} for {self.operand_names[at]!r}"
        if found is None:
            return None
        if self.outputs == 1:
            return self._like(self._part(found, y.shape, what, values), y)
        if not isinstance(found, (tuple, list)) or len(found) != self.outputs:
            raise messages.tangent_kind(what, found, self.outputs)
        layout, batch = params[CALL].layout, y.shape[:-1]
        parts = [None] * self.outputs
        for j in layout.floating:
            dtype, shape = layout.dtypes[j], batch + layout.shapes[j]
            zeros = asarray(np.zeros(shape, dtype))
            parts[j] = zeros if found[j] is None else self._like(self._part(found[j], shape, what, values), zeros)
        return layout.join(parts)

    def _part(self, found, shape, what, values):
        """Return the tangent of one result as a Tensor of its shape."""
        part = checks.derivative(found, what, values, "tangent")
        if self.broadcasts and part.shape != shape:
            part = ops.broadcast_to(part, shape)
        if part.shape != shape:
            raise ShapeError(f"{what} returned shape {part.shape}, the result has {shape}")
        return part

    # --- batches

    def batched_call(self, operands, batched, params, size):
        """As `Rule.batched_call`; what the calls for the elements return belongs to the call for the batch."""
        if not self.takes_call:
            return super().batched_call(operands, batched, params, size)
        call = params[CALL]
        if self.batch is not None:
            options = {word: value for word, value in params.items() if word != CALL}
            operands, options = self.batch(operands, batched, options, size)
            call.lead += 1
            return self.function(*operands, **options, **{CALL: call})
        calls = [Call() for _ in range(size)]
        ys = [
            self.function(
                *(x[j] if has else x for x, has in zip(operands, batched, strict=True)), **{**params, CALL: c}
            )
            for j, c in enumerate(calls)
        ]
        if not calls or any(c.layout != calls[0].layout for c in calls):
            raise messages.batch_results(self.name)
        call.layout, call.kind = calls[0].layout, calls[0].kind
        return ops.stack(*ys)


def _pattern(call, k):
    """The pattern of an op that broadcasts, see `rules/patterns.py`, for one result or for several in one array."""
    own, shape = call.params[CALL], call.shape_of(k)
    elements = np.arange(math.prod(shape)).reshape(shape)
    if own.layout is None:
        return None, np.broadcast_to(elements, call.shape).ravel()
    if own.lead:
        return None
    columns = np.full(own.layout.size, -1)  # integers depend on nothing
    for j in own.layout.floating:
        columns[own.layout.places[j]] = np.broadcast_to(elements, own.layout.shapes[j]).ravel()
    return None, columns


def _aligned(operands, batched, params, size):
    """Batch rule of an op that broadcasts: operands with fewer axes get axes of length 1 after that of the batch."""
    ndim = max(getattr(x, "ndim", 0) - has for x, has in zip(operands, batched, strict=True))
    return [
        x.reshape((size,) + (1,) * (ndim - x.ndim + 1) + x.shape[1:]) if has and x.ndim <= ndim else x
        for x, has in zip(operands, batched, strict=True)
    ], params
