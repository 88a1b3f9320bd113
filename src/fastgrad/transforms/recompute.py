"""`checkpoint`: memory for time. Between forward and backward only arguments are kept; the sweep runs `f` again."""

import functools

import numpy as np

from fastgrad import _tree
from fastgrad._engine import (
    Function,
    Tensor,
    asarray,
    collect_births,
    enable_grad,
    is_grad_enabled,
    is_traced,
    node_key,
    partial_gradients,
    trace,
    untrace,
)
from fastgrad.rules.rule import Rule, ops
from fastgrad.transforms import messages
from fastgrad.transforms.lift import alias, level, need_function


def checkpoint(f):
    """A function that computes what `f` does, but keeps none of the values in between: the sweep computes them again.

    `f` must do the same each time it is called: no random numbers, no state, no array from outside that is written
    before the sweep (one that is handed in as an argument may be). It may return a Tensor or a nested tuple, list or
    dict. Gradients flow to Tensors among its arguments, to those it reads from outside and to leaves that it makes, to
    any order.

    Notes
    -----
    The engine notes what is recorded while `f` runs: all else that the graph of the results begins with is read from
    outside, or a leaf that `f` made. In the sweep `f` runs again, and the gradients of its results are taken with
    respect to what was handed in and to what is read from outside, each as if it did not depend on the others: the way
    between those is the outer sweep's, as are hooks on Tensors from outside. That the second run reads the same values
    and computes the same results is checked, the results by their sums.

    References
    ----------
    Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost", arXiv:1604.06174.
    """
    need_function("checkpoint", f)

    @functools.wraps(f)
    def checkpointed(*args, **kwargs):
        if not is_grad_enabled():
            return f(*args, **kwargs)
        segment = _Segment(f, args, kwargs)
        ran = segment.run([x.detach().requires_grad_() for x in segment.operands], segment.constants)
        if not segment.operands and not ran.outside:
            return ran.out
        return segment.record(ran)

    return checkpointed


class _Segment:
    """One checkpointed call: how to run it again, and what it was fed.

    Attributes
    ----------
    operands : list of Tensor
        The arguments that require a gradient.
    constants : list of Tensor and ndarray
        The other arguments that somebody may write to: the engine guards them as it does the operands of an op.
    outside : list of Tensor
        What the first run read from outside.
    results : list of (shape, dtype)
        Of the outputs that depend on these.
    sums : list
        What is remembered of their values.
    traced : list of bool, list of Tensor
        Which operands, and what from outside, a transform differentiated that ran around the first run.
    value : ndarray or None
        The outputs, one after the other, until the engine has taken them.
    """

    __slots__ = ("args", "constants", "depth", "f", "operands", "outside", "results", "sums", "traced", "value")

    def __init__(self, f, args, kwargs):
        self.f = f
        self.args = (args, kwargs)
        self.depth = level.depth
        leaves = _tree.leaves(self.args)
        self.operands = [x for x in leaves if _requires_grad(x)]
        self.constants = [x for x in leaves if _is_constant(x)]
        self.traced = [is_traced(x) for x in self.operands], []

    def run(self, feeds, constants):
        """`f` on its arguments, with `feeds` for the Tensors that require a gradient and `constants` for the others."""
        stand_ins, constants = iter(feeds), iter(constants)
        traced = [x for x, was in zip(feeds, self.traced[0], strict=True) if was] + self.traced[1]

        def fed(x):
            if _requires_grad(x):
                return alias(next(stand_ins))  # whose hooks are the segment's own, as those of a feed are not
            if not _is_constant(x):
                return x
            kept = next(constants)
            return kept.detach().numpy() if isinstance(kept, Tensor) and isinstance(x, np.ndarray) else kept

        births = {}
        outer = collect_births(births)
        # A transform inside must see what it saw the first time.
        before, level.depth = level.depth, self.depth
        trace(traced)
        try:
            args, kwargs = _tree.map_leaves(fed, self.args)
            out = self.f(*args, **kwargs)
        finally:
            untrace(traced)
            level.depth = before
            collect_births(outer)
            if outer is not None:
                for key, t in births.items():
                    if t is None:
                        outer[key] = None
                    else:
                        outer.setdefault(key, t)
        return _Ran(out, feeds, births)

    def record(self, ran):
        """What the first run returned, cut from the graph that computed it, and tied to this segment instead."""
        live, self.outside = ran.live, ran.outside
        self.traced[1].extend(x for x in ran.outside if is_traced(x))
        self.results = [(y.shape, y.dtype) for y in live]
        self.sums = list(map(_sums, live))
        parts = iter(())
        if live:
            arrays = [y.detach().numpy() for y in live]
            fed = (*self.operands, *ran.outside)
            if len(arrays) == 1:
                value = arrays[0]
                shared = any(np.may_share_memory(value, x.detach().numpy()) for x in fed)
                self.value = value.copy() if shared else value
            else:
                self.value = np.concatenate([a.ravel() for a in arrays])
            parts = iter(self._parts(_rerun(*fed, *self.constants, segment=self)))

        def tied(y):
            if not isinstance(y, Tensor) or _is_own_leaf(y):
                return y
            return next(parts) if y.requires_grad else y.detach()

        return _tree.map_leaves(tied, ran.out)

    def _parts(self, y):
        """The outputs, from the one Tensor that the engine records; and their cotangents from its cotangent."""
        if len(self.results) == 1:
            return [y]
        parts, start = [], 0
        for shape, dtype in self.results:
            size = int(np.prod(shape))
            part = ops.reshape(ops.getitem(y, slice(start, start + size)), shape)
            parts.append(part if part.dtype == dtype else ops.astype(part, dtype))
            start += size
        return parts

    def pull(self, g, xs):
        """The cotangents of all that was fed; `xs` is that, as the engine kept it."""
        recording = is_grad_enabled()
        n, m = len(self.operands), len(self.operands) + len(self.outside)
        with enable_grad():
            feeds = [alias(x) if recording else x.detach().requires_grad_() for x in xs[:n]]
            again = self.run(feeds, xs[m:])
        outside = self._repeated(again, xs[n:m])
        if outside is None:
            raise messages.recomputed_differently(getattr(self.f, "__name__", "the function"))
        feeds += outside
        got = partial_gradients(again.live, feeds, self._parts(g), create_graph=recording)
        pulled = [asarray(np.zeros(x.shape, x.dtype)) if gx is None else gx for x, gx in zip(feeds, got, strict=True)]
        return pulled + [None] * len(self.constants)

    def _repeated(self, again, kept):
        """What a run has read from outside, in the order of `outside`; None if it did something else than the first.

        `kept` are the values that were read. What the function makes itself, a leaf, is another one in each run.
        """
        if [(y.shape, y.dtype) for y in again.live] != self.results or len(again.outside) != len(self.outside):
            return None
        read = {node_key(x): x for x in again.outside}
        first = [node_key(x) for x in self.outside]
        others = iter([x for key, x in read.items() if key not in set(first)])
        outside = [read[key] if key in read else next(others) for key in first]
        if not all(map(_is_same, outside, kept)) or not all(map(_are_close, self.sums, map(_sums, again.live))):
            return None
        return outside


class _Ran:
    """What one run returned, and what the graph of that begins with.

    Attributes
    ----------
    out
        What `f` returned.
    live : list of Tensor
        The outputs in it that have a gradient and are no leaves.
    outside : list of Tensor
        What the outputs came from besides the feeds: leaves, and results from outside. And results that only other
        things came from, such as derivatives that `f` takes: the second run will want their graph. In the order of the
        graph, which is the same in each run.
    """

    __slots__ = ("live", "out", "outside")

    def __init__(self, out, feeds, births):
        self.out = out
        self.live = [y for y in _tree.leaves(out) if _requires_grad(y) and not _is_own_leaf(y)]
        inside = {node_key(x) for x in feeds}
        read = [t for t in births.values() if t is not None and node_key(t) not in inside]
        outside = {}
        for key, t, operands in _graph([*self.live, *read], frozenset(inside)):
            # Recorded in the run, or computed from what was made for it, perhaps by another thread. A leaf is neither,
            # whatever result had its key and is gone.
            if not t.is_leaf and (births.get(key, key) is None or any(k in inside for k, _ in operands)):
                inside.add(key)
                outside.update((k, x) for k, x in operands if k not in inside)
        outside.update((node_key(t), t) for t in (*self.live, *read) if node_key(t) not in inside)
        self.outside = list(outside.values())


def _forward(*xs, segment):
    value, segment.value = segment.value, None
    return value


# The cotangents come out of a sweep, conjugate transposes already: hence not "holomorphic".
_forward.__name__ = "checkpoint"
_rerun = Function(
    Rule(_forward, lambda g, xs, segment: segment.pull(g, xs), holomorphic=False, numpy=(), together=True)
)


def _requires_grad(x):
    return isinstance(x, Tensor) and x.requires_grad


def _is_own_leaf(y):
    """Whether an output is a leaf, from outside or made inside, which stands for itself."""
    return y.requires_grad and y.is_leaf


def _is_constant(x):
    """Whether `x` is an argument without a gradient that the engine can guard: a Tensor, or an array like one."""
    if isinstance(x, Tensor):
        return not x.requires_grad
    return isinstance(x, np.ndarray) and x.dtype.char in "?bhilqBHILQfdFD"


def _is_same(x, kept):
    """Whether a Tensor has the value that was read, of which the engine keeps a copy where others may write."""
    now, then = x.detach().numpy(), kept.detach().numpy()
    if now.shape != then.shape or now.dtype != then.dtype:
        return False
    return np.may_share_memory(now, then) or np.array_equal(now, then, equal_nan=True)


def _sums(y):
    """Numbers that change with the values: sums of up to 64 parts, and a bound of what rounding may change there."""
    flat = y.detach().numpy().ravel()
    if not flat.size:
        return flat, 0.0
    with np.errstate(all="ignore"):
        sums = np.add.reduceat(flat, np.linspace(0, flat.size, min(flat.size, 64), endpoint=False).astype(int))
        return sums, 1e3 * np.finfo(flat.dtype).eps * np.sqrt(np.vdot(flat, flat).real)


def _are_close(a, b):
    """Whether the sums may come from the same values, computed once more."""
    with np.errstate(all="ignore"):
        same = (a[0] == b[0]) | (np.abs(a[0] - b[0]) <= a[1]) | ~(np.isfinite(a[0]) | np.isfinite(b[0]))
    return bool(same.all())


def _graph(roots, stop):
    """All recorded Tensors that `roots` came from, operands before results, as triples of key, Tensor and operands, the
    latter as pairs of key and Tensor; not beyond those with keys in `stop`.
    """
    order, seen = [], set()
    stack = [(node_key(t), t, None) for t in reversed(roots)]
    while stack:
        key, t, operands = stack.pop()
        if operands is not None:
            order.append((key, t, operands))
        elif key not in seen:
            seen.add(key)
            operands = [] if key in stop else [(node_key(x), x) for x in t.operands if x.requires_grad]
            stack.append((key, t, operands))
            stack += [(k, x, None) for k, x in reversed(operands)]
    return order
