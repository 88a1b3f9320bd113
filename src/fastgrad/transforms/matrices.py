"""Full derivative matrices: `jacobian` and `hessian`, by batches of rows or columns, whichever are fewer."""

import numpy as np

from fastgrad import _tree
from fastgrad._engine import (
    Tensor,
    asarray,
    is_capturing,
    pull_back,
    push_forward,
    reached_inputs,
    unit_directions,
)
from fastgrad._lazy import lazy_module
from fastgrad.batching import running
from fastgrad.errors import NotDifferentiableError
from fastgrad.rules.rule import ops
from fastgrad.tracebacks import boundary
from fastgrad.transforms import inside_vmap, messages
from fastgrad.transforms.lift import (
    Run,
    argument_numbers,
    derivative_of,
    own_gradient,
    require_function,
    require_output,
)
from fastgrad.transforms.reverse import grad, require_scalar

sparse_derivatives = lazy_module("fastgrad.transforms.sparse")

BATCH = 2**17  # elements of the largest Tensor of a batch, which then stays in the cache


@boundary
def jacobian(f, argnums=0, *, sparse=False):
    """Return the function that computes all first derivatives of a function.

    Parameters
    ----------
    f : function
        Returns a Tensor, or a nested tuple, list or dict of them. Arguments and results are all real or all complex;
        in the complex case `f` must be holomorphic, and the Jacobian is dy/dz.
    argnums : int or tuple of ints
        As in `grad`.
    sparse : bool, str or pattern
        Return a sparse matrix, computed from few products. True: a `scipy.sparse.csr_array`, or triplets without SciPy;
        "csr" and "triplets" choose. The pattern of its nonzero elements is found from the recorded graph, or is passed:
        as a matrix whose nonzero elements are the pattern, dense or of `scipy.sparse`, or as `(rows, columns)`. It may
        be larger than necessary; that a passed one is not too small is tested at each call with one more product.

    Returns
    -------
    function
        Takes the arguments of `f`. For an array argument and an array result it returns shape `y.shape + x.shape`.
        Otherwise it returns the nesting of the result, with the nesting of the argument in each leaf. With `sparse`
        it returns one matrix, with a row for each element of the result and a column for each element of the
        arguments: leaf by leaf, and each in C order. Its elements are not differentiable.

    Raises
    ------
    NotDifferentiableError
        If arguments and results are not all real or all complex, or a complex `f` is not holomorphic.

    Notes
    -----
    The Jacobian is computed by reverse mode for all elements of the result at once, or by forward mode for all elements
    of the arguments where these are fewer; large ones in several batches. Whether `f` is holomorphic is tested with one
    random cotangent. `vjp` and `jvp` accept other complex functions, such as `z * conj(z)`, and treat them as functions
    of the real and imaginary parts.
    """
    require_function("jacobian", f)
    argnums = argument_numbers("jacobian", argnums)
    if sparse is not False:
        return sparse_derivatives.jacobian(f, argnums, sparse, jacobian)

    def jacobian_of_f(*args, **kwargs):
        if running.levels:
            return inside_vmap.jacobian(f, argnums, args, kwargs)
        run = Run("jacobian", args, argnums, kwargs)
        out = run.call(f)
        reached = [None] * len(run.inputs)  # True where an element of the result depends on the input
        nest = _tree.map_leaves(lambda y: _nested(run, _blocks(run, require_output("jacobian", y), reached)), out)
        run.warn_unreached(reached)
        return nest

    return derivative_of(f, jacobian_of_f, jacobian, argnums=argnums)


@boundary
def hessian(f, argnums=0, *, sparse=False):
    """Return the function that computes all second derivatives of a scalar function: the Jacobian of its gradient.

    For an array argument it returns shape `x.shape + x.shape`; for nested arguments and a tuple of `argnums`, nested
    blocks as `jacobian` does. For complex arguments the gradient must be holomorphic, as that of `abs(z)**2` is; `hvp`
    has no such requirement. The recorded gradient is differentiated by forward mode, in batches of columns.

    With `sparse`, as in `jacobian`, it returns one sparse matrix with a row and a column for each element of the
    arguments. Its symmetry is used: it takes two products if only the diagonal, one row and one column are not zero.
    """
    require_function("hessian", f)
    argnums = argument_numbers("hessian", argnums)
    if sparse is not False:
        return sparse_derivatives.hessian(f, argnums, sparse, hessian)

    def hessian_of_f(*args, **kwargs):
        if running.levels:
            return inside_vmap.jacobian(grad(f, argnums), argnums, args, kwargs)
        run = Run("hessian", args, argnums, kwargs)
        y = run.call(f)
        require_scalar("hessian", y)
        gs = [None] * len(run.inputs)
        if isinstance(y, Tensor) and y.requires_grad:
            gs = run.gradients((y,), tracked=True)
        run.warn_unreached(gs)
        return _filled(run, [_nested(run, _hessian_blocks(run, g, x)) for g, x in zip(gs, run.inputs, strict=True)])

    return derivative_of(f, hessian_of_f, hessian, argnums=argnums)


def _hessian_blocks(run, g, x):
    """Return the derivatives of the gradient `g` of the input `x` with respect to every input."""
    if g is None or not g.requires_grad:
        return [np.zeros(x.shape + other.shape, np.result_type(x.dtype, other.dtype)) for other in run.inputs]
    require_same_kind(run, g)
    return by_columns(run, g)


def _blocks(run, y, reached):
    """Return one block per input, of shape `y.shape + x.shape`: a Tensor if tracked, else an array.

    Sets `reached` for the inputs that `y` depends on.
    """
    if not isinstance(y, Tensor) or not y.requires_grad:
        y = asarray(y)
        return [np.zeros(y.shape + x.shape, np.result_type(y.dtype, x.dtype)) for x in run.inputs]
    require_same_kind(run, y)
    leads, hooked = reached_inputs((y,), run.inputs)
    for k, found in enumerate(leads):
        reached[k] = found or reached[k]
    # Hooks change gradients, and so belong to reverse mode.
    if sum(x.size for x in run.inputs) < y.size and not hooked:
        return by_columns(run, y)
    return by_rows(run, y)


def require_same_kind(run, y):
    """Raise unless the result and the inputs are all real, or all complex and the function holomorphic."""
    kinds = {t.dtype.kind for t in (y, *run.inputs)}
    if kinds == {"f"}:
        return
    if len(kinds) > 1:
        raise NotDifferentiableError(
            f"{run.verb}: arguments and result must be all real, or all complex with a holomorphic function, got "
            + ", ".join(str(t.dtype) for t in (*run.inputs, y))
        )
    if kinds == {"c"}:
        _require_holomorphic(run, y)


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


def batches(n, size):
    """Return the bounds of batches of `n` directions, for Tensors of `size` elements."""
    if n > 0 and n * size <= BATCH:
        return ((0, n),)
    step = max(1, BATCH // max(size, 1))
    return [(low, min(low + step, n)) for low in range(0, n, step)]


def by_rows(run, y):
    """Return the blocks by reverse mode: row k is the gradient of element k of the result."""
    rows = [[] for _ in run.inputs]
    for low, high in batches(y.size, max([y.size, *(x.size for x in run.inputs)])):
        gs = pull_back((y,), run.inputs, (unit_directions(y, low, high),), batch=high - low, create_graph=run.tracked)
        for parts, g, x in zip(rows, gs, run.inputs, strict=True):
            parts.append(_zeros((high - low, *x.shape), x.dtype) if g is None else g)
    blocks = [_joined(run, parts, y.shape + x.shape, x.dtype) for parts, x in zip(rows, run.inputs, strict=True)]
    if y.dtype.kind == "c":  # reverse mode computes the conjugate transpose of the Jacobian
        blocks = [ops.conj(block) if isinstance(block, Tensor) else block.conj() for block in blocks]
    return blocks


def by_columns(run, y):
    """Return the blocks by forward mode: column k is the derivative along element k of an input."""
    blocks = []
    for k, x in enumerate(run.inputs):
        parts = []
        for low, high in batches(x.size, max(x.size, y.size)):
            tangents = [None] * len(run.inputs)
            tangents[k] = unit_directions(x, low, high)
            (t,) = push_forward((y,), run.inputs, tangents, batch=high - low, create_graph=run.tracked)
            parts.append(_zeros((high - low, *y.shape), y.dtype) if t is None else t)
        block = _joined(run, parts, (x.size, y.size), y.dtype).T
        shape = y.shape + x.shape
        blocks.append(block if block.shape == shape else block.reshape(shape))
    return blocks


def _zeros(shape, dtype):
    return asarray(np.zeros(shape, dtype))


def _joined(run, parts, shape, dtype):
    """Join batches into one Tensor of a shape if tracked, else into an array."""
    if not parts:
        return np.zeros(shape, dtype)
    if is_capturing() or (run.tracked and any(part.requires_grad for part in parts)):
        return ops.reshape(ops.concat(*parts), shape)
    if len(parts) == 1:
        array = own_gradient(parts[0])
        return array if array.shape == shape else array.reshape(shape)
    return np.concatenate([part.detach().numpy() for part in parts]).reshape(shape)


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
    return _filled(run, done)


def _filled(run, values):
    """Return values, one per input, with the nesting of the arguments."""
    if run.single and len(values) == 1 and not isinstance(run.trees[0], (tuple, list, dict)):
        return values[0]
    values = iter(values)
    trees = tuple(_tree.map_leaves(lambda _: next(values), tree) for tree in run.trees)
    return trees[0] if run.single else trees


def jacobian_of(run, y):
    """Return the Jacobian of a result with respect to the one input of a run, as an array; a Tensor if tracked."""
    return _blocks(run, y, [None])[0]
