"""The public array functions that are not rules: they put their arguments in order, then call one. No gradients here.

Names and signatures are those of the Python array API standard, and NumPy's where NumPy has others.
"""

import math

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import Tensor, asarray
from fastgrad.arrays import (  # noqa: F401  one menu with what stands below
    all,
    allclose,
    any,
    arange,
    argmax,
    argmin,
    argsort,
    array_equal,
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    can_cast,
    count_nonzero,
    empty,
    empty_like,
    eye,
    finfo,
    full,
    full_like,
    iinfo,
    isclose,
    isdtype,
    isfinite,
    isinf,
    isnan,
    linspace,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    nextafter,
    nonzero,
    ones,
    ones_like,
    plain,
    result_type,
    searchsorted,
    unique,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
    zeros,
    zeros_like,
)  # fmt: skip
from fastgrad.rules.rule import FUNCTIONS

_getitem = FUNCTIONS["getitem"]
_reshape = FUNCTIONS["reshape"]
_permute = FUNCTIONS["permute_dims"]


def as_tensor(x):
    """`x` if it is a Tensor, otherwise a Tensor that shares its memory where it can."""
    return x if isinstance(x, Tensor) else asarray(x)


def _axis(op, axis, ndim):
    """An axis as a number from 0 to ndim - 1."""
    k = parameters.integer(axis)
    if not -ndim <= k < ndim:
        raise errors.bad_axis(op, k, ndim)
    return k % ndim


def _axes(op, axis, ndim):
    """Axes as a tuple of numbers in range, each once."""
    axis = parameters.axes(axis)
    axes = tuple(_axis(op, k, ndim) for k in (axis if type(axis) is tuple else (axis,)))
    if len(set(axes)) != len(axes):
        raise errors.ShapeError(f"{op}: {axis} names an axis twice; each may stand there once")
    return axes


def _is_end(axis):
    """Whether `axis`, as `parameters.axes` reads it, is the one number 0 or -1."""
    return type(axis) is int and axis in (0, -1)


# --- shapes ---


def reshape(x, /, *lengths, shape=None):
    """The elements of `x`, in C order, in another shape.

    Parameters
    ----------
    x : Tensor or array
    *lengths, shape : int or tuple of int
        `reshape(x, (2, 3))`, `reshape(x, 2, 3)` and `reshape(x, shape=(2, 3))` mean the same. One length may be -1.

    Returns
    -------
    Tensor
        A view where the strides allow it.

    Raises
    ------
    ValueError
        Where `shape` has another number of elements than `x`.
    """
    if shape is None:
        shape = lengths[0] if len(lengths) == 1 else lengths
    return _reshape(x, parameters.shape(shape))


def ravel(x, /):
    """The elements of `x`, in C order, along one axis."""
    return _reshape(x, (-1,)) if np.size(plain(x)) else _reshape(x, (0,))


flatten = ravel


def permute_dims(x, /, axes):
    """`x` with its axes in the order `axes`."""
    x = as_tensor(x)
    axes = parameters.integers(axes)
    if len(axes) != x.ndim:
        raise errors.ShapeError(f"axes {axes} do not match {x.ndim} dimensions; name each of the {x.ndim} axes once")
    return _permute(x, _axes("permute_dims", axes, x.ndim))


def transpose(x, /, axes=None):
    """`x` with its axes reversed, or in the order `axes`."""
    x = as_tensor(x)
    return _permute(x, tuple(range(x.ndim))[::-1]) if axes is None else permute_dims(x, axes)


def matrix_transpose(x, /):
    """`x` with its last two axes swapped."""
    x = as_tensor(x)
    if x.ndim < 2:
        raise errors.ShapeError(f"matrix_transpose needs at least 2 dimensions, got shape {x.shape}")
    return swapaxes(x, -2, -1)


def swapaxes(x, /, axis1, axis2):
    """`x` with two of its axes swapped."""
    x = as_tensor(x)
    a, b = _axis("swapaxes", axis1, x.ndim), _axis("swapaxes", axis2, x.ndim)
    order = list(range(x.ndim))
    order[a], order[b] = b, a
    return _permute(x, tuple(order))


def moveaxis(x, /, source, destination):
    """`x` with the axes `source` moved to the places `destination`, the others in their order."""
    x = as_tensor(x)
    source, destination = _axes("moveaxis", source, x.ndim), _axes("moveaxis", destination, x.ndim)
    if len(source) != len(destination):
        raise errors.ShapeError(f"moveaxis: {len(source)} source axes, but {len(destination)} destinations")
    order = [k for k in range(x.ndim) if k not in source]
    for place, k in sorted(zip(destination, source, strict=True)):
        order.insert(place, k)
    return _permute(x, tuple(order))


def squeeze(x, /, axis=None):
    """`x` without its axes of length 1: all of them, or those named."""
    x, axis = as_tensor(x), parameters.axes(axis)
    if _is_end(axis) and not x.ndim:  # NumPy lets 0 and -1 stand for the axis that a number has not
        axis = None
    axes = _axes("squeeze", axis, x.ndim) if axis is not None else tuple(k for k, n in enumerate(x.shape) if n == 1)
    for k in axes:
        if x.shape[k] != 1:
            raise errors.ShapeError(f"squeeze: axis {k} of shape {x.shape} has length {x.shape[k]}, not 1")
    return _reshape(x, tuple(n for k, n in enumerate(x.shape) if k not in axes))


def expand_dims(x, /, axis):
    """`x` with new axes of length 1 at the places `axis` of the result."""
    x = as_tensor(x)
    axis = parameters.axes(axis)
    ndim = x.ndim + (len(axis) if type(axis) is tuple else 1)
    axes, lengths = _axes("expand_dims", axis, ndim), iter(x.shape)
    return _reshape(x, tuple(1 if k in axes else next(lengths) for k in range(ndim)))


def broadcast_to(x, /, shape):
    """`x` repeated to `shape` by broadcasting, as a read-only view."""
    return FUNCTIONS["broadcast_to"](x, parameters.shape(shape))


def broadcast_arrays(*xs):
    """All of `xs`, broadcast against each other."""
    xs = tuple(map(as_tensor, xs))
    shape = np.broadcast_shapes(*(x.shape for x in xs))
    return tuple(x if x.shape == shape else broadcast_to(x, shape) for x in xs)


def meshgrid(*xs, indexing="xy"):
    """Coordinate matrices from coordinate vectors, the first along the columns for "xy", along the rows for "ij"."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f'meshgrid: indexing is "xy" or "ij", not {indexing!r}')
    n, swap = len(xs), indexing == "xy" and len(xs) > 1
    places = [1, 0, *range(2, n)] if swap else range(n)
    grids = (reshape(x, tuple(-1 if k == place else 1 for k in range(n))) for x, place in zip(xs, places, strict=True))
    return list(broadcast_arrays(*grids))


# --- joining and cutting ---


def concat(arrays, /, axis=0):
    """The arrays of a sequence one after the other along `axis`; each flattened first if `axis` is None."""
    return FUNCTIONS["concat"](*(map(ravel, arrays) if axis is None else arrays), axis=0 if axis is None else axis)


concatenate = concat


def stack(arrays, /, axis=0):
    """The arrays of a sequence, all of one shape, along a new axis of the result."""
    return FUNCTIONS["stack"](*arrays, axis=axis)


def vstack(arrays, /):
    """The arrays of a sequence below each other, vectors as rows."""
    return concat([x if x.ndim > 1 else reshape(x, (1, -1)) for x in map(as_tensor, arrays)], axis=0)


def hstack(arrays, /):
    """The arrays of a sequence side by side: along axis 1, vectors along axis 0."""
    xs = [x if x.ndim else reshape(x, (1,)) for x in map(as_tensor, arrays)]
    return concat(xs, axis=0 if xs and xs[0].ndim == 1 else 1)


def split(x, /, indices_or_sections, axis=0):
    """Cut `x` along `axis`.

    Parameters
    ----------
    x : Tensor or array
    indices_or_sections : int or sequence of int
        A number of equal parts, or the indices at which to cut.
    axis : int

    Returns
    -------
    list of Tensor
        Views of `x`.

    Raises
    ------
    ValueError
        Where equal parts are asked for and the length is no multiple of their number.
    """
    x = as_tensor(x)
    axis = _axis("split", axis, x.ndim)
    n = x.shape[axis]
    indices_or_sections = parameters.numbers(plain(indices_or_sections))
    if not isinstance(indices_or_sections, tuple):
        parts = parameters.integer(indices_or_sections)
        if parts <= 0 or n % parts:
            raise errors.ShapeError(
                f"split: axis {axis} of length {n} has no {parts} equal parts; pass the indices to cut at"
            )
        cuts = [k * (n // parts) for k in range(1, parts)]
    else:
        cuts = list(parameters.integers(indices_or_sections))
    lead = (slice(None),) * axis
    return [_getitem(x, (*lead, slice(a, b))) for a, b in zip([0, *cuts], [*cuts, n], strict=True)]


def unstack(x, /, *, axis=0):
    """The subarrays of `x` along `axis`, as a tuple."""
    x = as_tensor(x)
    axis = _axis("unstack", axis, x.ndim)
    return tuple(_getitem(x, (*(slice(None),) * axis, k)) for k in range(x.shape[axis]))


# --- taking ---


def take(x, /, indices, axis=None):
    """Elements of `x` at `indices` along `axis`, of the flattened `x` if it is None."""
    x, axis = as_tensor(x), parameters.axes(axis)
    if axis is None or (not x.ndim and _is_end(axis)):
        x, axis = ravel(x), 0
    axis = _axis("take", axis, x.ndim)
    return _getitem(x, (*(slice(None),) * axis, np.asarray(plain(indices))))


def take_along_axis(x, /, indices, axis=-1):
    """Elements of `x` at `indices`, which has the dimensions of `x` and says a place along `axis` for each result."""
    x, indices = as_tensor(x), np.asarray(plain(indices))
    axis = _axis("take_along_axis", axis, x.ndim)
    if indices.ndim != x.ndim:
        raise errors.ShapeError(
            f"take_along_axis: indices have {indices.ndim} dimensions, x has {x.ndim}; they must agree"
        )
    key = [np.arange(n).reshape((1,) * k + (-1,) + (1,) * (x.ndim - k - 1)) for k, n in enumerate(x.shape)]
    key[axis] = indices
    return _getitem(x, tuple(key))


def sort(x, /, axis=-1, *, descending=False, stable=True):
    """`x` sorted along `axis`, flattened if it is None. Each element's gradient is that of the place it came to."""
    x, axis = (ravel(x), 0) if axis is None else (as_tensor(x), axis)
    axis = _axis("sort", axis, x.ndim)
    return take_along_axis(x, argsort(x, axis, descending=descending, stable=stable), axis)


# --- linear algebra ---


def einsum(subscripts, /, *operands, optimize=True):
    """Einstein sum: products of `operands`, summed over the letters that the output does not have.

    Parameters
    ----------
    subscripts : str
        One term of letters per operand, as `"ij,jk->ik"`. A letter that stands twice in a term takes a diagonal, `...`
        stands for the axes not named, and without `->` the output has, in order, the letters that stand once. NumPy's
        other spelling, `einsum(x1, [0, 1], x2, [1, 2], [0, 2])`, is understood as well.
    *operands : Tensor or array
    optimize : bool
        Let NumPy choose the order of the products, and BLAS for them.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        Where the terms do not fit the operands.
    """
    from fastgrad.rules.einsum import explicit, from_sublists

    if not isinstance(subscripts, str):
        subscripts, operands = from_sublists((subscripts, *operands))
    subscripts = explicit(subscripts, [np.ndim(plain(x)) for x in operands])
    return FUNCTIONS["einsum"](*operands, subscripts=subscripts, optimize=optimize)


def tensordot(a, b, axes=2):
    """Sum of products over pairs of axes: the last `axes` of `a` with the first of `b`, or `(axes of a, axes of b)`."""
    x1, x2 = as_tensor(a), as_tensor(b)
    axes = parameters.integer(axes) if not hasattr(axes, "__iter__") else tuple(axes)
    if type(axes) is int:
        axes1, axes2 = range(x1.ndim - axes, x1.ndim), range(axes)
    else:
        axes1, axes2 = (part if isinstance(part, (tuple, list, np.ndarray)) else (part,) for part in axes)
    return FUNCTIONS["tensordot"](
        x1, x2, (_axes("tensordot", tuple(axes1), x1.ndim), _axes("tensordot", tuple(axes2), x2.ndim))
    )


def vecdot(x1, x2, /, *, axis=-1):
    """Dot products of the vectors along `axis`, those of `x1` conjugated."""
    x1, x2 = as_tensor(x1), as_tensor(x2)
    axis = parameters.integer(axis)
    n1, n2 = (x.shape[_axis("vecdot", axis, x.ndim)] for x in (x1, x2))
    if n1 != n2:
        raise errors.ShapeError(f"vecdot: the vectors along axis {axis} have lengths {n1} and {n2}; they must agree")
    products = (FUNCTIONS["conj"](x1) if x1.dtype.kind == "c" else x1) * x2
    return products.sum(axis=axis, dtype=products.dtype if products.dtype.kind in "biu" else None)


def trace(x, /, offset=0, axis1=0, axis2=1):
    """Sum of diagonal number `offset` of the planes of `axis1` and `axis2`."""
    return FUNCTIONS["sum"](FUNCTIONS["diagonal"](x, offset, axis1, axis2), axis=-1)


def diag(x, /, k=0):
    """Diagonal number `k` of a matrix, or the matrix with the vector `x` there and zeros elsewhere."""
    x = as_tensor(x)
    if x.ndim != 1:
        return FUNCTIONS["diagonal"](x, k)
    n, k = x.shape[0], parameters.integer(k)
    steps, size = np.arange(n), n + abs(k)
    return FUNCTIONS["scatter_add"](x, (steps + max(-k, 0), steps + max(k, 0)), (size, size))


def norm(x, /, ord=None, axis=None, keepdims=False):
    """Length of a vector, or norm of a matrix, over `axis`.

    Parameters
    ----------
    x : Tensor or array
        Integers and booleans are computed with as float64.
    ord : {None, 2, 1, inf, -inf, 0, a number, "fro", "nuc", -2, -1}
        None is the Euclidean norm of all elements; a number p is `sum(abs(x)**p)**(1/p)` along one axis. For two axes
        1, -1, inf and -inf are the largest and smallest sums of a column or row, 2 and -2 the largest and smallest
        singular value, "nuc" the sum of them, "fro" the Euclidean norm.
    axis : int, tuple of int or None
    keepdims : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For an `ord` that the number of axes does not allow.

    Notes
    -----
    At a kink the gradient is 0: of all elements where the norm is 0, of an element that is 0 where p < 2, of a
    singular value that is 0. Ties of the largest or smallest share it equally. Higher derivatives are those of this
    gradient: the Hessian of `norm(x)**2` is 0 at 0, and 2 beside it; `sum(x * x)` has the right one everywhere.
    """
    x = as_tensor(x)
    if x.dtype.kind in "biu":
        x = FUNCTIONS["astype"](x, np.dtype(np.float64))
    axes = tuple(range(x.ndim)) if axis is None else _axes("norm", axis, x.ndim)
    if ord is None or (ord in ("fro", "f") and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return FUNCTIONS["norm"](x, axis=None if axis is None else axes, keepdims=keepdims)
    if len(axes) == 1 and not isinstance(ord, str):
        return FUNCTIONS["norm"](x, axis=axes, keepdims=keepdims, ord=float(ord))
    if len(axes) == 2 and ord in (1, -1, 2, -2, math.inf, -math.inf, "nuc"):
        return _matrix_norm(x, ord, axes, keepdims)
    raise errors.norm_order(ord, len(axes))


def _matrix_norm(x, ord, axes, keepdims):
    size, total, top, low = (FUNCTIONS[name] for name in ("abs", "sum", "max", "min"))
    if ord in (2, -2, "nuc"):
        values = size(FUNCTIONS["svdvals"](moveaxis(x, axes, (-2, -1))))  # abs: a singular value of 0 gets no gradient
        best = (total if ord == "nuc" else top if ord == 2 else low)(values, axis=-1)
        return expand_dims(best, axes) if keepdims else best
    summed, compared = axes if abs(ord) == 1 else axes[::-1]
    sums = total(size(x), axis=summed, keepdims=True)
    best = (top if ord > 0 else low)(sums, axis=compared, keepdims=True)
    return best if keepdims else squeeze(best, axes)


# --- running sums ---


def cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False):
    """Running sum of `x` along `axis`, with a leading 0 if `include_initial`."""
    x = as_tensor(x)
    x = x if x.ndim else ravel(x)
    if axis is None and x.ndim != 1:
        raise errors.ShapeError(f"cumulative_sum: say which axis of shape {x.shape} to sum along")
    axis = _axis("cumulative_sum", 0 if axis is None else axis, x.ndim)
    y = FUNCTIONS["cumsum"](x, axis=axis, dtype=dtype)
    if not include_initial:
        return y
    return concat([np.zeros((*y.shape[:axis], 1, *y.shape[axis + 1 :]), y.dtype), y], axis)


def diff(x, /, *, axis=-1, n=1):
    """Differences of neighbours along `axis`, taken `n` times."""
    x = as_tensor(x)
    lead = (slice(None),) * _axis("diff", axis, x.ndim)
    for _ in range(parameters.integer(n)):
        x = _getitem(x, (*lead, slice(1, None))) - _getitem(x, (*lead, slice(None, -1)))
    return x


# those that NumPy's functions of the same name are answered with
__all__ = [
    "zeros_like", "ones_like", "full_like", "empty_like", "argsort",
    "reshape", "ravel", "flatten", "permute_dims", "transpose", "matrix_transpose", "swapaxes", "moveaxis", "squeeze",
    "expand_dims", "broadcast_to", "broadcast_arrays", "meshgrid", "concat", "concatenate", "stack", "vstack", "hstack",
    "split", "unstack", "take", "take_along_axis", "sort", "einsum", "tensordot", "vecdot", "trace", "diag", "norm",
    "cumulative_sum", "diff",
]  # fmt: skip
