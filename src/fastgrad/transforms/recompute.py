"""`checkpoint`: saves memory by keeping only the arguments of `f`; the sweep calls `f` again for the rest."""

import numpy as np

from fastgrad import _tree
from fastgrad._engine import (
    Function,
    Tensor,
    asarray,
    collect_nodes,
    enable_grad,
    is_grad_enabled,
    is_traced,
    node_key,
    partial_gradients,
    set_class,
    set_transform_depth,
    trace,
    transform_depth,
    untrace,
)
from fastgrad.batching import Batched, not_swept, running
from fastgrad.rules.outputs import pack
from fastgrad.rules.rule import Rule
from fastgrad.tracebacks import boundary
from fastgrad.transforms import inside_vmap, messages
from fastgrad.transforms.lift import alias, made_of, require_function


@boundary
def checkpoint(f):
    """Return a function that computes the same as `f`, but does not keep the intermediate values for the sweep.

    The sweep calls `f` again to recompute them, so `f` must compute the same each time: it must not use random
    numbers or state, nor read arrays from outside that are modified before the sweep. Arrays passed as arguments may
    be modified. `f` may return a Tensor or a nested tuple, list or dict. Gradients of any order flow to Tensors among
    its arguments, to Tensors that it closes over, and to leaves that it creates.

    Raises
    ------
    BackwardError
        In the sweep, if the second call reads other values or computes other results than the first.

    Notes
    -----
    While `f` runs, the engine collects the nodes that are recorded. Everything else that the results depend on was
    either read from outside or is a leaf that `f` made. The sweep calls `f` again and computes partial gradients of
    the results with respect to the arguments and to the values from outside, each as if it did not depend on the
    others: dependencies among these, and hooks on Tensors from outside, belong to the outer sweep. Results of the two
    calls are compared by their sums.

    References
    ----------
    Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost", arXiv:1604.06174.
    """
    require_function("checkpoint", f)

    def checkpointed(*args, **kwargs):
        if running.levels:
            return inside_vmap.checkpoint(f, args, kwargs)
        if not is_grad_enabled():
            return f(*args, **kwargs)
        segment = _Segment(f, args, kwargs)
        ran = segment.run([_leaf(x) for x in segment.operands], segment.constants)
        if not segment.operands and not ran.outside:
            return ran.out
        return segment.record(ran)

    return made_of(f, checkpointed, checkpoint)


def _leaf(x):
    """Return a leaf with the value and the class of `x`."""
    return set_class(x.detach().requires_grad_(), type(x))


class _Segment:
    """One checkpointed call: how to repeat it, and the values that it read.

    Attributes
    ----------
    operands : list of Tensor
        The arguments that require a gradient.
    constants : list of Tensor and ndarray
        The other arguments that may be modified later. The engine checks or copies them as operands of an op.
    outside : list of Tensor
        The Tensors that the first run read from outside.
    results : list of (shape, dtype)
        Of the outputs that depend on operands or outside.
    layout : Layout
        Of these outputs in one array, if there are several.
    sums : list
        Sums of these outputs, for comparison with the second run.
    traced : list of bool, list of Tensor
        Whether each operand, and which Tensors from outside, depend on an input of a transform that was running.
    value : ndarray or None
        The outputs, joined into one array, until the engine has taken them.
    """

    __slots__ = (
        "args", "constants", "depth", "f", "layout", "operands", "outside", "results", "sums", "traced", "value",
    )  # fmt: skip

    def __init__(self, f, args, kwargs):
        self.f = f
        self.args = (args, kwargs)
        self.depth = transform_depth()
        leaves = _tree.leaves(self.args)
        self.operands = [x for x in leaves if _requires_grad(x)]
        self.constants = [x for x in leaves if _is_constant(x)]
        self.traced = [is_traced(x) for x in self.operands], []

    def run(self, feeds, constants):
        """Call `f` with `feeds` for the Tensors that require a gradient and `constants` for the other arguments."""
        replacements, constants = iter(feeds), iter(constants)
        traced = [x for x, was in zip(feeds, self.traced[0], strict=True) if was] + self.traced[1]

        def fed(x):
            if _requires_grad(x):
                return alias(next(replacements))  # a hook that `f` sets on it belongs to the alias, not to the feed
            if not _is_constant(x):
                return x
            kept = next(constants)
            return kept.detach().numpy() if isinstance(kept, Tensor) and isinstance(x, np.ndarray) else kept

        recorded = {}
        outer = collect_nodes(recorded)
        # A transform that `f` calls must find the same depth and marks as in the first run.
        before = transform_depth()
        set_transform_depth(self.depth)
        trace(traced)
        try:
            args, kwargs = _tree.map_leaves(fed, self.args)
            out = self.f(*args, **kwargs)
        finally:
            untrace(traced)
            set_transform_depth(before)
            collect_nodes(outer)
            if outer is not None:
                for key, t in recorded.items():
                    if t is None:
                        outer[key] = None
                    else:
                        outer.setdefault(key, t)
        return _RunGraph(out, feeds, recorded)

    def record(self, ran):
        """Return the results of the first run, detached from its graph and recorded as results of this segment."""
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
                self.value, self.layout = pack(arrays)
            parts = iter(self._parts(_rerun(*fed, *self.constants, segment=self)))

        def attached(y):
            if not isinstance(y, Tensor) or _is_own_leaf(y):
                return y
            return next(parts) if y.requires_grad else y.detach()

        return _tree.map_leaves(attached, ran.out)

    def _parts(self, y):
        """Split the one Tensor that the engine records into the outputs, or its cotangent into their cotangents."""
        return [y] if len(self.results) == 1 else self.layout.split(y)

    def pull(self, g, xs):
        """Return the cotangents of all operands; `xs` are the operands as the engine saved them."""
        if type(g) is Batched:
            raise not_swept()  # the sweep calls this for each direction then
        recording = is_grad_enabled()
        n, m = len(self.operands), len(self.operands) + len(self.outside)
        with enable_grad():
            feeds = [alias(x) if recording else _leaf(x) for x in xs[:n]]
            again = self.run(feeds, xs[m:])
        outside = self._repeated(again, xs[n:m])
        if outside is None:
            raise messages.recomputed_differently(getattr(self.f, "__name__", "the function"))
        feeds += outside
        got = partial_gradients(again.live, feeds, self._parts(g), create_graph=recording)
        pulled = [asarray(np.zeros(x.shape, x.dtype)) if gx is None else gx for x, gx in zip(feeds, got, strict=True)]
        return pulled + [None] * len(self.constants)

    def _repeated(self, again, saved):
        """Return what a run read from outside, in the order of `outside`, or None if it differs from the first run.

        `saved` are the values that the first run read. Leaves that `f` makes are new in each run.
        """
        if [(y.shape, y.dtype) for y in again.live] != self.results or len(again.outside) != len(self.outside):
            return None
        read = {node_key(x): x for x in again.outside}
        first = [node_key(x) for x in self.outside]
        others = iter([x for key, x in read.items() if key not in set(first)])
        outside = [read[key] if key in read else next(others) for key in first]
        if not all(map(_is_same, outside, saved)) or not all(map(_are_close, self.sums, map(_sums, again.live))):
            return None
        return outside


class _RunGraph:
    """The results of one run, and the Tensors that their graph starts from.

    Attributes
    ----------
    out
        The result of `f`.
    live : list of Tensor
        The outputs that require a gradient and are not leaves.
    outside : list of Tensor
        The Tensors that the outputs depend on besides the feeds: leaves, and results from outside. Includes those that
        only derivatives inside `f` depend on, whose graph the second run needs. In the order of the graph, which is
        the same in each run.
    """

    __slots__ = ("live", "out", "outside")

    def __init__(self, out, feeds, recorded):
        self.out = out
        self.live = [y for y in _tree.leaves(out) if _requires_grad(y) and not _is_own_leaf(y)]
        inside = {node_key(x) for x in feeds}
        read = [t for t in recorded.values() if t is not None and node_key(t) not in inside]
        outside = {}
        for key, t, operands in _graph([*self.live, *read], frozenset(inside)):
            # Recorded in the run, or computed from a result of the run, perhaps by another thread. Leaves are excluded:
            # their key may have belonged to a result that no longer exists.
            if not t.is_leaf and (recorded.get(key, key) is None or any(k in inside for k, _ in operands)):
                inside.add(key)
                outside.update((k, x) for k, x in operands if k not in inside)
        outside.update((node_key(t), t) for t in (*self.live, *read) if node_key(t) not in inside)
        self.outside = list(outside.values())


def _forward(*xs, segment):
    value, segment.value = segment.value, None
    return value


# Not "holomorphic": the cotangents come from a sweep, which already computes conjugate transposes.
_forward.__name__ = "checkpoint"
_rerun = Function(
    Rule(_forward, lambda g, xs, segment: segment.pull(g, xs), holomorphic=False, numpy=(), together=True)
)


def _requires_grad(x):
    return isinstance(x, Tensor) and x.requires_grad


def _is_own_leaf(y):
    """Return whether an output is a leaf, which is returned unchanged."""
    return y.requires_grad and y.is_leaf


def _is_constant(x):
    """Return whether `x` is an argument without a gradient that the engine can save: a Tensor, or a similar array."""
    if isinstance(x, Tensor):
        return not x.requires_grad
    return isinstance(x, np.ndarray) and x.dtype.char in "?bhilqBHILQfdFD"


def _is_same(x, saved):
    """Return whether a Tensor has the value that was saved. The memory may be the same, or a copy."""
    now, then = x.detach().numpy(), saved.detach().numpy()
    if now.shape != then.shape or now.dtype != then.dtype:
        return False
    return np.may_share_memory(now, then) or np.array_equal(now, then, equal_nan=True)


def _sums(y):
    """Return sums of up to 64 parts of `y`, to recognize its values, and a bound of their rounding error."""
    flat = y.detach().numpy().ravel()
    if not flat.size:
        return flat, 0.0
    with np.errstate(all="ignore"):
        sums = np.add.reduceat(flat, np.linspace(0, flat.size, min(flat.size, 64), endpoint=False).astype(int))
        return sums, 1e3 * np.finfo(flat.dtype).eps * np.sqrt(np.vdot(flat, flat).real)


def _are_close(a, b):
    """Return whether two results of `_sums` agree within the rounding error."""
    with np.errstate(all="ignore"):
        same = (a[0] == b[0]) | (np.abs(a[0] - b[0]) <= a[1]) | ~(np.isfinite(a[0]) | np.isfinite(b[0]))
    return bool(same.all())


def _graph(roots, stop):
    """Return the recorded Tensors that `roots` depend on, operands before results; the keys in `stop` are not expanded.

    Each is a triple of key, Tensor and operands, the latter as pairs of key and Tensor.
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
