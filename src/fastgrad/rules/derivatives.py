"""How a rule is applied: cotangents of its operands, the tangent of its result, and both for a batch at once.

`Rule` inherits these methods. They compute with Tensors through the public ops, so that a sweep with
`create_graph=True`, or forward mode inside another transform, records them.
"""

from typing import Any

import numpy as np

from fastgrad import _engine
from fastgrad._lazy import lazy_module
from fastgrad.batching import Batched, Level, Part, VmapError, entered, not_swept

batching = lazy_module("fastgrad.rules.batching")


class _Ops:
    """The ops by name, for a rule that uses an op of a family imported after its own: `ops.getitem(g, key)`."""


ops: Any = _Ops()


class Derivatives:
    """The methods of `Rule` that call its vjps and jvps."""

    __slots__ = ()

    # --- reverse mode

    def pull(self, k, g, y, operands, params):
        """Return the cotangent of operand number `k`, a Tensor of the shape and dtype of that operand.

        `g` and `y` are Tensors; `operands` are Tensors, Python scalars or None, as they were recorded. The rule of a
        holomorphic op is the transpose, but a complex cotangent needs the conjugate transpose, conj(rule(conj(g))).
        """
        at = self._at(k)
        conjugate = self.holomorphic and g.dtype.kind == "c"
        g = ops.conj(g) if conjugate else g
        gx = self.vjps[at](*self._values(self._read_by(at), k, g, y, operands, params))
        return self._fit(gx, operands[k], conjugate)

    def pull_all(self, g, y, operands, params):
        """Return the cotangents of all operands, for a rule that computes them together; None for absent operands."""
        conjugate = self.holomorphic and g.dtype.kind == "c"
        g = ops.conj(g) if conjugate else g
        found = self.vjps[0](*self._values(self._read_by(0), 0, g, y, operands, params))
        return [
            self._fit(gx, x, conjugate) if gx is not None and hasattr(x, "shape") else None
            for gx, x in zip(found, operands, strict=True)
        ]

    def pull_batch(self, k, g, y, operands, params, size):
        """As `pull`, for `size` cotangents at once: `g` and the result have an additional axis 0."""
        if self._broadcasts(operands):  # `g` broadcasts against operands and result as it is
            at = self._at(k)
            gx = self.vjps[at](*self._values(self._read_by(at), k, g, y, operands, params))
            return self._fit_batch(gx, operands[k], y, size)
        return self._batched(lambda g: self.pull(k, g, y, operands, params), (g,), size)

    def pull_all_batch(self, g, y, operands, params, size):
        """As `pull_all`, for `size` cotangents at once."""
        return self._batched(lambda g: self.pull_all(g, y, operands, params), (g,), size)

    # --- forward mode

    def push(self, tangents, y, operands, params):
        """Return the tangent of the result, a Tensor of its shape and dtype; None if it is zero.

        `tangents` has one entry per operand: a Tensor of its shape and dtype, or None where it does not vary. The
        result `y` and the `operands` are as for `pull`.
        """
        if self.jvp == "linear":
            ts = [_zero_of(x) if t is None else t for t, x in zip(tangents, operands, strict=True)]
            return self._like(self.function(*ts, **params), y)
        total = None
        for k, t in enumerate(tangents):
            if t is None:
                continue
            if self.jvp == "multilinear":
                part = self.function(*operands[:k], t, *operands[k + 1 :], **params)
            elif self.jvp is not None:
                at = 0 if len(self.jvps) == 1 else k
                if self.jvps[at] is None:
                    continue
                part = self.jvps[at](*self._values(self._jvp_readers(at), k, t, y, operands, params))
                if part.shape != y.shape:  # of an operand that broadcasts
                    part = ops.broadcast_to(part, y.shape)
            elif self._is_diagonal(t, y):
                part = self._push_diagonal(k, t, y, operands, params)
            else:
                return self._push_transposed(tangents, y, operands, params)
            part = self._like(part, y)
            total = part if total is None else total + part
        return total

    def push_batch(self, tangents, y, operands, params, size):
        """As `push`, for `size` tangents per operand at once: tangents and result have an additional axis 0."""
        varying = [t for t in tangents if t is not None]
        if self.jvp is None and not all(self._is_diagonal(t, y) for t in varying):
            return self._push_transposed(tangents, y, operands, params, size)
        if self.jvp is None and self._broadcasts(operands):
            total = None
            for k, t in enumerate(tangents):
                if t is not None:
                    part = self._push_diagonal(k, _aligned(t, y.ndim), y, operands, params, size)
                    total = part if total is None else total + part
            return total
        if self.jvp == "linear" and len(tangents) == 1:
            return self._like(self.batched_call(tangents, (True,), params, size), y)

        def of_one(*varying):
            varying = iter(varying)
            return self.push([None if t is None else next(varying) for t in tangents], y, operands, params)

        return self._batched(of_one, varying, size)

    def _is_diagonal(self, t, y):
        """Return whether the Jacobian with respect to an operand with tangent `t` is diagonal, its own transpose."""
        return self.elementwise and (self.holomorphic or t.dtype.kind == y.dtype.kind == "f")

    def _push_diagonal(self, k, t, y, operands, params, size=None):
        """Return the part of operand `k`: its vjp, for the tangent expanded to the shape of the result."""
        shape = y.shape if size is None else (size, *y.shape)
        if t.dtype != y.dtype:
            t = ops.astype(t, y.dtype)
        if t.shape != shape:
            t = ops.broadcast_to(t, shape)
        at = self._at(k)
        part = self.vjps[at](*self._values(self._read_by(at), k, t, y, operands, params))
        return part if part.shape == shape else ops.broadcast_to(part, shape)

    def _push_transposed(self, tangents, y, operands, params, size=None):
        """Return the vjp of the vjp: the vjp is linear in its cotangent, and its transpose is the jvp."""
        if any(type(t) is Batched for t in tangents):
            raise not_swept()  # for the loop of `_batched`
        recording = _engine.is_grad_enabled()
        if not recording:
            operands = tuple(_leaf(x) if isinstance(x, _engine.Tensor) else x for x in operands)
            y = y.detach()
        with _engine.enable_grad():
            u = _zeros(y).requires_grad_()
            if self.together:
                pulled = self.pull_all(u, y, operands, params)
            else:
                pulled = [None if t is None else self.pull(k, u, y, operands, params) for k, t in enumerate(tangents)]
        pairs = [
            (gx, t) for gx, t in zip(pulled, tangents, strict=True)
            if t is not None and gx is not None and gx.requires_grad
        ]  # fmt: skip
        if not pairs:
            return None
        gxs, ts = zip(*pairs, strict=True)
        if size is not None:
            return _engine.pull_back(gxs, (u,), ts, batch=size, create_graph=recording)[0]
        return _engine.gradients(gxs, (u,), ts, create_graph=recording, allow_unused=True)[0]

    # --- batches

    def batched_call(self, operands, batched, params, size):
        """Apply the op to a batch: operands with `batched` set have an additional axis 0 of length `size`."""
        if self.batch is not None:
            found = self.batch(operands, batched, params, size)
            if type(found) is tuple:
                return self.function(*found[0], **found[1])
            if found is not None:
                return found
        elif self.elementwise and not any(type(p) is Part for p in params.values()):
            ndim = max([np.ndim(p) for p in params.values() if isinstance(p, np.ndarray)], default=0)
            return self.function(*batching.aligned(operands, batched, ndim), **params)
        return self._looped_call(operands, batched, params, size)

    def _looped_call(self, operands, batched, params, size):
        """Apply the op to one element after the other."""
        if not size:  # what there is no element of
            operands = [
                np.zeros(x.shape[1:], x.dtype) if is_batch else x
                for x, is_batch in zip(operands, batched, strict=True)
            ]  # fmt: skip
            y = self.function(*operands, **params)
            return _engine.asarray(np.zeros((0, *y.shape), y.dtype))
        results = []
        for k in range(size):
            element = [x[k] if is_batch else x for x, is_batch in zip(operands, batched, strict=True)]
            given = {name: p.value[k] if type(p) is Part else p for name, p in params.items()}
            results.append(self.function(*element, **given))
        if len({y.shape for y in results}) > 1:
            raise VmapError(
                f"{self.name} inside vmap: the shape of the result differs between the elements of the batch: "
                "select with fg.where, or call it outside of vmap"
            )
        return ops.stack(*results)

    def _broadcasts(self, operands):
        """Return whether the vjps take a cotangent with an additional axis 0: those of ops that broadcast do."""
        return (
            self.elementwise
            and not self.variadic
            and not any(x.dtype.kind == "c" for x in operands if isinstance(x, _engine.Tensor))
        )

    def _batched(self, function, batches, size):
        """Call a function of Tensors for all elements of the batches at once, and stack the results."""
        level = Level(size)
        try:
            with entered(level):
                found = function(*(Batched(x, level) for x in batches))
                if isinstance(found, list):
                    return [self._whole(y, level) for y in found]
                return self._whole(found, level)
        except VmapError:  # of a rule that computes with the numbers of its cotangent
            results = [function(*(x[k] for x in batches)) for k in range(size)]
        if isinstance(results[0], list):
            return [None if parts[0] is None else ops.stack(*parts) for parts in zip(*results, strict=True)]
        return None if results[0] is None else ops.stack(*results)

    def _whole(self, y, level):
        """Return the values of all elements of a level, along axis 0."""
        if type(y) is Batched and y.level is level:
            return y.value
        return None if y is None else ops.broadcast_to(y, (level.size, *y.shape))

    # --- arguments and results

    def _values(self, readers, k, g, y, operands, params):
        """Return the arguments of a vjp or jvp, of operand number `k`; `g` is the cotangent or the tangent."""
        values = []
        for kind, key in readers:
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

    def _fit(self, gx, x, conjugate):
        """Return the result of a vjp in the shape and dtype of the operand."""
        if self.elementwise and gx.shape != x.shape:
            gx = ops.sum_to(gx, x.shape)
        if conjugate:
            gx = ops.conj(gx)
        return self._like(gx, x)

    def _fit_batch(self, gx, x, y, size):
        """As `_fit`, of a result with an additional axis 0, of real numbers."""
        if gx.ndim == y.ndim:
            gx = ops.broadcast_to(gx, (size, *gx.shape))
        if gx.shape[1:] != x.shape:
            padded = (1,) * (y.ndim - x.ndim)
            gx = ops.reshape(ops.sum_to(gx, (size, *padded, *x.shape)), (size, *x.shape))
        return self._like(gx, x)

    def _like(self, gx, x):
        """Return a cotangent or tangent in the dtype of its value."""
        if gx.dtype != x.dtype:
            if gx.dtype.kind == "c" and x.dtype.kind != "c":
                gx = ops.real(gx)
            if gx.dtype != x.dtype:
                gx = ops.astype(gx, x.dtype)
        return gx


def _zeros(x):
    return _engine.asarray(np.zeros(x.shape, x.dtype))


def _zero_of(x):
    """Return the tangent of an operand that does not vary; None if the operand is absent."""
    return _zeros(x) if isinstance(x, _engine.Tensor) else None if x is None else 0


def _leaf(x):
    """Return the value of `x` apart from its graph; a rule may expect that it requires a gradient, as `x` does."""
    return x.detach().requires_grad_() if x.requires_grad else x.detach()


def _aligned(t, ndim):
    """Give a batch of tangents axes of length 1 after axis 0, so that it broadcasts to a result with `ndim` axes."""
    missing = ndim + 1 - t.ndim
    return t if missing <= 0 else t.reshape((t.shape[0],) + (1,) * missing + t.shape[1:])
