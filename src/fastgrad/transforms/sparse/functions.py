"""The functions that `jacobian` and `hessian` return with `sparse=`."""

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor, asarray, gradients, reached_inputs
from fastgrad.batching import running
from fastgrad.transforms import messages
from fastgrad.transforms.lift import Run, derivative_of, require_output
from fastgrad.transforms.matrices import require_same_kind
from fastgrad.transforms.reverse import require_scalar
from fastgrad.transforms.sparse.dependence import Dependence, described
from fastgrad.transforms.sparse.formats import Wanted
from fastgrad.transforms.sparse.plan import dense_plan, jacobian_plan, symmetric_plan

KEPT = 8  # plans of a transformed function: of graphs that differ, in shapes or by the branches taken


def jacobian(f, argnums, sparse, maker):
    """Return the function that computes the Jacobian of `f` as a sparse matrix, for the public function `maker`."""
    plans = _Plans("jacobian", sparse)

    def jacobian_of_f(*args, **kwargs):
        _refuse_batched("jacobian")
        run = Run("jacobian", args, argnums, kwargs)
        ys = [_output(require_output("jacobian", y)) for y in _tree.leaves(run.call(f))]
        _refuse_tracked(run)
        for y in ys:
            if y.requires_grad:
                require_same_kind(run, y)
        return plans.matrix(run, ys, symmetric=False)

    return derivative_of(f, jacobian_of_f, maker, argnums=argnums, sparse=sparse)


def hessian(f, argnums, sparse, maker):
    """Return the function that computes the Hessian of `f` as a sparse matrix, for the public function `maker`."""
    plans = _Plans("hessian", sparse)

    def hessian_of_f(*args, **kwargs):
        _refuse_batched("hessian")
        run = Run("hessian", args, argnums, kwargs)
        y = run.call(f)
        require_scalar("hessian", y)
        _refuse_tracked(run)
        gs = [None] * len(run.inputs)
        if isinstance(y, Tensor) and y.requires_grad:
            gs = gradients((y,), run.inputs, create_graph=True, allow_unused=True)
        run.warn_unreached(gs)
        gs = [asarray(np.zeros(x.shape, x.dtype)) if g is None else g for g, x in zip(gs, run.inputs, strict=True)]
        for g in gs:
            require_same_kind(run, g)
        return plans.matrix(run, gs, symmetric=gs[0].dtype.kind != "c")

    return derivative_of(f, hessian_of_f, maker, argnums=argnums, sparse=sparse)


def _output(y):
    return y if isinstance(y, Tensor) else asarray(y)


def _refuse_batched(verb):
    """Raise inside vmap: the values of a batch are not arrays."""
    if running.levels:
        raise messages.sparse_batched(verb)


def _refuse_tracked(run):
    """Raise if the result would have to be differentiable: a sparse matrix is made of arrays."""
    if run.tracked:
        raise messages.sparse_tracked(run.verb)


class _Plans:
    """The plans of one transformed function, the last one first."""

    def __init__(self, verb, sparse):
        self._verb = verb
        self._wanted = Wanted(verb, sparse)
        self._known = ()  # pairs (what it holds for, Plan); replaced, never changed, as threads may share the function

    def matrix(self, run, outputs, symmetric):
        """Return the derivatives of `outputs` with respect to the inputs of the run."""
        if not outputs:
            raise messages.nothing_returned(self._verb)
        dtype = np.result_type(*(t.dtype for t in (*outputs, *run.inputs)))
        find = self._given_plan if self._wanted.given else self._plan
        plan = find(run, outputs, symmetric, dtype)
        values, probe = plan.values(outputs, run.inputs, dtype)
        if probe is not None:
            count = plan.wrong_products(values, probe)
            if count:
                raise messages.wrong_pattern(self._verb, count, "rows" if plan.forward else "columns")
        return self._wanted.matrix(plan, values)

    def _plan(self, run, outputs, symmetric, dtype):
        """Return the plan for the pattern of the recorded graph."""
        nodes, signature = described(outputs, run.inputs)
        for held, plan in self._known:
            if held.holds_for(nodes, signature):
                self._warn_unreached(run, held.reached)
                return plan
        held = Dependence(nodes, signature, outputs, run.inputs)
        self._warn_unreached(run, held.reached)
        if symmetric:
            plan = symmetric_plan(held.sets)
            if plan.wrong_products(*plan.values(outputs, run.inputs, dtype)):
                symmetric = False  # hooks or rules of users have changed the gradient
            plan = plan.without_probe()
        if not symmetric:
            plan = _jacobian_plan(held.sets, _hooked(run, outputs))
        self._keep(held, plan)
        return plan

    def _given_plan(self, run, outputs, symmetric, dtype):
        """Return the plan for the given pattern."""
        shape = sum(y.size for y in outputs), sum(x.size for x in run.inputs)
        kind = shape, symmetric, not symmetric and _hooked(run, outputs)
        for held, plan in self._known:
            if held == kind:
                return plan
        pattern = self._wanted.sets(*shape)
        plan = symmetric_plan(pattern) if symmetric else _jacobian_plan(pattern, kind[-1], probe=True)
        self._keep(kind, plan)
        return plan

    def _keep(self, held, plan):
        self._known = ((held, plan), *self._known[: KEPT - 1])

    def _warn_unreached(self, run, reached):
        if self._verb == "jacobian":
            run.warn_unreached([True if found else None for found in reached])


def _hooked(run, outputs):
    """Return whether hooks would change the rows of the matrix, which then have to be computed by reverse mode."""
    live = [y for y in outputs if y.requires_grad]
    return bool(live) and reached_inputs(live, run.inputs)[1]


def _jacobian_plan(pattern, hooked, probe=False):
    if hooked:  # any element may be nonzero
        return dense_plan(len(pattern), pattern.n)
    return jacobian_plan(pattern, probe)
