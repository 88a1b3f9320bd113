"""Full derivative matrices: `jacobian` and `hessian`, with one sweep per row or column, whichever are fewer."""

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor, asarray
from fastgrad.errors import NotDifferentiableError
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tracebacks import boundary
from fastgrad.transforms import messages
from fastgrad.transforms.forward import push, transposed
from fastgrad.transforms.lift import Run, argument_numbers, derivative_of, require_function, require_output
from fastgrad.transforms.reverse import grad


@boundary
def jacobian(f, argnums=0):
    """Return the function that computes all first derivatives of a function.

    Parameters
    ----------
    f : function
        Returns a Tensor, or a nested tuple, list or dict of them. Arguments and results are all real or all complex;
        in the complex case `f` must be holomorphic, and the Jacobian is dy/dz.
    argnums : int or tuple of ints
        As in `grad`.

    Returns
    -------
    function
        Takes the arguments of `f`. For an array argument and an array result it returns shape `y.shape + x.shape`.
        Otherwise it returns the nesting of the result, with the nesting of the argument in each leaf.

    Raises
    ------
    NotDifferentiableError
        If arguments and results are not all real or all complex, or a complex `f` is not holomorphic.

    Notes
    -----
    The Jacobian takes one sweep per element of the result, or one per element of the arguments where these are fewer,
    by the vjp of the vjp. Whether `f` is holomorphic is tested with one random cotangent. `vjp` and `jvp` accept other
    complex functions, such as `z * conj(z)`, and treat them as functions of the real and imaginary parts.
    """
    require_function("jacobian", f)
    return derivative_of(f, _jacobian("jacobian", f, argument_numbers("jacobian", argnums)))


@boundary
def hessian(f, argnums=0):
    """Return the function that computes all second derivatives of a scalar function: the Jacobian of its gradient.

    For an array argument it returns shape `x.shape + x.shape`; for nested arguments and a tuple of `argnums`, nested
    blocks as `jacobian` does. For complex arguments the gradient must be holomorphic, as that of `abs(z)**2` is; `hvp`
    has no such requirement.
    """
    require_function("hessian", f)
    argnums = argument_numbers("hessian", argnums)
    return derivative_of(f, _jacobian("hessian", grad(f, argnums), argnums))


def _jacobian(verb, f, argnums):
    @boundary
    def jacobian_of_f(*args, **kwargs):
        run = Run(verb, args, argnums, kwargs)
        out = run.call(f)
        reached = [None] * len(run.inputs)  # True where an element of the result depends on the input
        nest = _tree.map_leaves(lambda y: _nested(run, _blocks(run, require_output(verb, y), reached)), out)
        run.warn_unreached(reached)
        return nest

    return jacobian_of_f


def _blocks(run, y, reached):
    """Return one block per input, of shape `y.shape + x.shape`: a Tensor if tracked, else an array.

    Sets `reached` for the inputs that `y` depends on.
    """
    if not isinstance(y, Tensor) or not y.requires_grad:
        y = asarray(y)
        return [np.zeros(y.shape + x.shape, np.result_type(y.dtype, x.dtype)) for x in run.inputs]
    kinds = {t.dtype.kind for t in (y, *run.inputs)}
    if len(kinds) > 1:
        raise NotDifferentiableError(
            f"{run.verb}: arguments and result must be all real, or all complex with a holomorphic function, got "
            + ", ".join(str(t.dtype) for t in (*run.inputs, y))
        )
    if kinds == {"c"}:
        _require_holomorphic(run, y)
    if sum(x.size for x in run.inputs) < y.size:
        return _by_columns(run, y, reached)
    return _by_rows(run, y, reached, conjugate=kinds == {"c"})


def _mark_reached(reached, gs):
    for k, g in enumerate(gs):
        if g is not None:
            reached[k] = True


def _one_hot(t, k):
    basis = np.zeros(t.size, t.dtype)
    basis[k] = 1
    return asarray(basis.reshape(t.shape))


def _require_holomorphic(run, y):
    """Raise if the derivative along i v is not i times that along v, tested with the vjp of a random cotangent."""
    rng = np.random.default_rng(0)
    u = rng.normal(size=y.shape) + 1j * rng.normal(size=y.shape)
    one, rotated = (
        run.gradients((y,), (asarray(np.asarray(v, y.dtype)),), retain_graph=True, tracked=False) for v in (u, 1j * u)
    )
    for g, turned in zip(one, rotated, strict=True):
        if g is not None:
            g, turned = 1j * g.detach().numpy(), turned.detach().numpy()
            wrong = np.abs(g - turned) > np.sqrt(np.finfo(g.dtype).eps) * np.abs(g).max(initial=0.0)
            if wrong.any():
                raise messages.not_holomorphic(run.verb)


def _by_rows(run, y, reached, conjugate):
    rows = [run.gradients((y,), (_one_hot(y, k),), retain_graph=True) for k in range(y.size)]
    _mark_reached(reached, rows[0] if rows else [True] * len(reached))
    blocks = []
    for k, x in enumerate(run.inputs):
        block = _stack([row[k] for row in rows], y.shape + x.shape, x.dtype, run.tracked, axis=0)
        if conjugate:  # a sweep computes the conjugate transpose of the Jacobian
            block = FUNCTIONS["conj"](block) if isinstance(block, Tensor) else block.conj()
        blocks.append(block)
    return blocks


def _by_columns(run, y, reached):
    (u,), gs = transposed(run, (y,))
    _mark_reached(reached, gs)
    blocks = []
    for k, x in enumerate(run.inputs):
        columns = []
        for j in range(x.size):
            tangents = [None] * len(gs)
            tangents[k] = _one_hot(x, j)
            columns += push(run, gs, (u,), tangents, retain_graph=True)
        blocks.append(_stack(columns, y.shape + x.shape, x.dtype, run.tracked, axis=-1))
    return blocks


def _stack(slices, shape, dtype, tracked, axis):
    """Stack slices (None for zeros), one per element of the flattened result or argument."""
    if not slices:
        return np.zeros(shape, dtype)
    part = next((s.shape for s in slices if s is not None), None)
    if part is None:
        return np.zeros(shape, dtype)
    if tracked and any(s is not None and s.requires_grad for s in slices):
        slices = [asarray(np.zeros(part, dtype)) if s is None else s for s in slices]
        return FUNCTIONS["reshape"](FUNCTIONS["stack"](*slices, axis=axis), shape)
    return np.stack([np.zeros(part, dtype) if s is None else s.detach().numpy() for s in slices], axis=axis).reshape(
        shape
    )


def _nested(run, blocks):
    """Return the blocks with the types and nesting of the arguments."""
    done = []
    for block, original in zip(blocks, run.originals, strict=True):
        if isinstance(block, Tensor):
            done.append(block)
        elif isinstance(original, Tensor):
            done.append(asarray(block))
        else:
            done.append(block if isinstance(original, np.ndarray) else block[()])
    nests = tuple(_tree.fill(tree, part) for tree, part in zip(run.trees, _split(run.trees, done), strict=True))
    return nests[0] if run.single else nests


def _split(trees, values):
    values = iter(values)
    return [[next(values) for _ in _tree.leaves(tree)] for tree in trees]
