"""`checkpoint`: memory for time. Between forward and backward only arguments are kept; the sweep runs `f` again."""

import functools

import numpy as np

from fastgrad import _tree
from fastgrad._engine import (
    Function,
    Tensor,
    asarray,
    enable_grad,
    gradients,
    is_grad_enabled,
    is_traced,
    trace,
    untrace,
)
from fastgrad.errors import BackwardError
from fastgrad.rules.rule import Rule, ops
from fastgrad.transforms.lift import alias, level, need_function


def checkpoint(f):
    """A function that computes what `f` does, but keeps none of the values in between: the sweep computes them again.

    `f` must do the same each time it is called: no random numbers, no state, no array from outside that is written
    before the sweep (one that is handed in as an argument may be). It may return a Tensor or a nested tuple, list or
    dict. Gradients flow to Tensors among its arguments and to those it reads from outside, to any order.

    Notes
    -----
    What `f` reads from outside is found in its recorded graph. Only if that holds Tensors computed from outside ones
    alone (`w.T`, say) does `f` run a second time at once: Tensors that both runs share are from outside, all others
    are its own. A hook on a Tensor from outside is also called with this segment's part of the gradient; hand such a
    Tensor in as an argument.

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
        fresh = [x.detach().requires_grad_() for x in segment.operands]
        out = segment.run(fresh)
        outputs = _tree.leaves(out)
        outside = _read_from_outside(outputs, fresh, lambda: _tree.leaves(segment.run(fresh)))
        if not segment.operands and not outside:
            return out
        return segment.record(out, outputs, outside)

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
        What `f` reads from outside and requires a gradient.
    results : list of (shape, dtype)
        Of the outputs that depend on these.
    value : ndarray or None
        The outputs, one after the other, until the engine has taken them.
    """

    __slots__ = ("args", "asked", "constants", "depth", "f", "operands", "outside", "pulled", "results", "value")

    def __init__(self, f, args, kwargs):
        self.f = f
        self.args = (args, kwargs)
        self.depth = level.depth
        leaves = _tree.leaves(self.args)
        self.operands = [x for x in leaves if _requires_grad(x)]
        self.constants = [x for x in leaves if _is_constant(x)]
        self.asked = self.pulled = None

    def run(self, stand_ins, constants=None):
        """`f` on its arguments: `stand_ins` for the Tensors that require a gradient, `constants` for the others."""
        traced = [new for old, new in zip(self.operands, stand_ins, strict=False) if is_traced(old)]
        stand_ins, constants = iter(stand_ins), iter(constants or self.constants)

        def fed(x):
            if _requires_grad(x):
                return next(stand_ins)
            if not _is_constant(x):
                return x
            kept = next(constants)
            return kept.detach().numpy() if isinstance(kept, Tensor) and isinstance(x, np.ndarray) else kept

        args, kwargs = _tree.map_leaves(fed, self.args)
        before, level.depth = level.depth, self.depth  # a transform inside must see what it saw the first time
        trace(traced)
        try:
            return self.f(*args, **kwargs)
        finally:
            untrace(traced)
            level.depth = before

    def record(self, out, outputs, outside):
        """`out` with its Tensors cut from the graph that computed them, and tied to this segment instead."""
        self.outside = outside
        live = [y for y in outputs if _requires_grad(y)]
        self.results = [(y.shape, y.dtype) for y in live]
        parts = iter(())
        if live:
            arrays = [y.detach().numpy() for y in live]
            feeds = [x.detach().numpy() for x in (*self.operands, *outside)]
            if len(arrays) == 1:
                value = arrays[0]
                self.value = value.copy() if any(np.may_share_memory(value, x) for x in feeds) else value
            else:
                self.value = np.concatenate([a.ravel() for a in arrays])
            parts = iter(self._parts(_rerun(*self.operands, *outside, *self.constants, segment=self)))
        return _tree.map_leaves(
            lambda y: next(parts) if _requires_grad(y) else y.detach() if isinstance(y, Tensor) else y, out
        )

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

    def pull(self, g, xs, i):
        """The cotangent of `xs[i]`; `xs` is what was fed, as the engine kept it. The first call computes all."""
        if not self._is_asked(g):
            self.pulled = self._pull_all(g, xs)
            self.asked = g if is_grad_enabled() else g.detach().numpy().copy()
        return self.pulled[i]

    def _is_asked(self, g):
        """Whether this is the last cotangent; by value where results hold no graph, as an engine may wrap it anew."""
        if is_grad_enabled() or isinstance(self.asked, Tensor):
            return g is self.asked
        return self.asked is not None and np.array_equal(g.detach().numpy(), self.asked)

    def _pull_all(self, g, xs):
        recording = is_grad_enabled()
        n = len(self.operands)
        operands, outside, constants = xs[:n], xs[n : n + len(self.outside)], xs[n + len(self.outside) :]
        with enable_grad():
            fresh = [alias(x) if recording else x.detach().requires_grad_() for x in operands]
            outputs = [y for y in _tree.leaves(self.run(fresh, constants)) if _requires_grad(y)]
            reached = {id(t) for t in _graph(outputs, {id(x) for x in fresh})}
            same = [(y.shape, y.dtype) for y in outputs] == self.results
            lost = any(id(x) not in reached for x in self.outside)
            if not same or lost or not all(map(_is_same, self.outside, outside)):
                name = getattr(self.f, "__name__", "the function")
                raise BackwardError(
                    f"checkpoint: {name!r} did something else when it was run again for the sweep; it must not depend "
                    "on state or random numbers, nor read Tensors that are replaced in between"
                )
            feeds = [*fresh, *self.outside]
            got = _partial(outputs, feeds, self._parts(g), recording)
        return [asarray(np.zeros(x.shape, x.dtype)) if gx is None else gx for x, gx in zip(feeds, got, strict=True)]


def _forward(*xs, segment):
    value, segment.value = segment.value, None
    return value


# The cotangents come out of a sweep, conjugate transposes already: hence not "holomorphic".
_forward.__name__ = "checkpoint"
_rerun = Function(Rule(_forward, lambda g, xs, i, segment: segment.pull(g, xs, i), holomorphic=False, numpy=()))


def _requires_grad(x):
    return isinstance(x, Tensor) and x.requires_grad


def _is_constant(x):
    """Whether `x` is an argument without a gradient that the engine can guard: a Tensor, or an array like one."""
    if isinstance(x, Tensor):
        return not x.requires_grad
    return isinstance(x, np.ndarray) and x.dtype.char in "?bhilqBHILQfdFD"


def _is_same(x, kept):
    """Whether a Tensor from outside has the value that it had; where others share its memory the engine kept a copy."""
    now, then = x.detach().numpy(), kept.detach().numpy()
    return np.may_share_memory(now, then) or np.array_equal(now, then, equal_nan=True)


def _partial(outputs, feeds, cotangents, recording):
    """Gradients with respect to `feeds`, some of which may come from others: what flows into one goes no further."""
    stopped = {}

    def stop(k):
        def hook(g):
            stopped[k] = g
            return asarray(np.zeros(g.shape, g.dtype))

        return hook

    handles = [x.register_hook(stop(k)) for k, x in enumerate(feeds) if not x.is_leaf]
    try:
        got = gradients(outputs, feeds, cotangents, create_graph=recording, retain_graph=True, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    return [stopped.get(k, g) for k, g in enumerate(got)]


def _graph(roots, stop):
    """All recorded Tensors that `roots` came from, operands before results; not beyond those with ids in `stop`."""
    order, seen, stack = [], {}, [(t, False) for t in roots if _requires_grad(t)]
    while stack:
        t, expanded = stack.pop()
        if expanded:
            order.append(t)
        elif id(t) not in seen:
            seen[id(t)] = t
            stack.append((t, True))
            if id(t) not in stop:
                stack += [(x, False) for x in t.operands if x.requires_grad]
    return order


def _read_from_outside(outputs, fresh, run_again):
    """The Tensors, not made by the run whose `outputs` these are, that its graph begins with; `fresh` excepted."""
    own = {id(x) for x in fresh}
    graph = _graph(outputs, own)
    inside = set(own)  # certainly made by this run: computed from what was made for it
    for t in graph:
        if any(id(x) in inside for x in t.operands):
            inside.add(id(t))
    unsure = [t for t in graph if id(t) not in inside]
    if all(t.is_leaf for t in unsure):
        return unsure
    again = run_again()  # held, so that ids stay unique while they are compared
    common = {id(t) for t in graph} & {id(t) for t in _graph(again, own)}
    return [t for t in _graph(outputs, common) if id(t) in common - own]
