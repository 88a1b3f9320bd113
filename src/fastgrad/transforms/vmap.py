"""`vmap`: a function of one element, applied to a batch at once, by the batching rules of its ops."""

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor, asarray, is_grad_enabled, leaves, own_value, tensor
from fastgrad.batching import Batched, Level, VmapError, entered, running
from fastgrad.errors import ShapeError
from fastgrad.functions.shapes import moveaxis
from fastgrad.rules.batching import shape_of
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tracebacks import boundary
from fastgrad.transforms import batched  # noqa: F401  adds the methods of Batched
from fastgrad.transforms.lift import made_of, require_function

_EXACT = (np.ndarray, Tensor)
_ARRAYS = (Tensor, np.ndarray, np.generic, float, complex, int)


@boundary
def vmap(f, in_axes=0, out_axes=0, axis_size=None):
    """Return the function that applies `f` to each element of a batch, all of them at once.

    Parameters
    ----------
    f : function
        A function of one element. Its results are Tensors, arrays, numbers, or nested tuples, lists and dicts of them.
    in_axes : int, None, or nested tuples, lists and dicts of them
        The axis of each positional argument along which its elements are. None: all elements get the argument
        unchanged. A tuple or list has one entry per argument, which may be nested as the argument; an int or None
        stands for everything inside.
    out_axes : int, None, or nested tuples, lists and dicts of them
        The axis of each result along which the elements are put. None: the result is the same for all elements.
    axis_size : int, optional
        The number of elements, needed only if all arguments are None in `in_axes`.

    Returns
    -------
    function
        Takes the arguments of `f` with an additional axis. Keyword arguments are passed to `f` unchanged. Results are
        Tensors if one of the arguments is a Tensor or a result requires a gradient, and arrays otherwise.

    Raises
    ------
    ShapeError
        If an axis does not exist, or arguments have different numbers of elements.
    VmapError
        If `f` uses a value that differs between the elements where all must have the same: as a condition of `if`, a
        Python number, a shape, an index array with as many results as there are true values, or in a write to a Tensor
        that is not batched.

    Notes
    -----
    `vmap` may be nested, and used inside and around `grad` and the other transforms: `vmap(grad(loss), (None, 0, 0))`
    computes one gradient per sample. `f` runs once, on Tensors of the shape of one element that hold the whole batch.
    An op without a batching rule, such as one of `fg.primitive`, is applied to one element after the other. Random
    numbers that `f` draws are the same for all elements.

    Examples
    --------
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> fg.vmap(lambda x: x @ x)(X)
    array([ 1., 13., 41.])
    """
    require_function("vmap", f)

    def mapped(*args, **kwargs):
        level = _level_of_arrays(in_axes, args) if axis_size is None else None
        if level is not None:
            axes = in_axes if type(in_axes) is tuple else (in_axes,) * len(args)
            pairs = zip(args, axes, strict=True)
            given = [x if axis is None else Batched(_in_front(x, axis), level) for x, axis in pairs]
        else:
            level, given = _arguments(in_axes, args, axis_size)
        with entered(level):
            out = f(*given, **kwargs)
        tensors = any([isinstance(x, Tensor) for x in leaves([args, kwargs])])
        pairs, seen = _paired(out, out_axes, "the result"), set()
        results = [_result(y, axis, where, level, tensors, seen) for y, axis, where in pairs]
        return results[0] if isinstance(out, Tensor) else _tree.fill(out, results)

    return made_of(f, mapped, vmap, in_axes=in_axes, out_axes=out_axes, axis_size=axis_size)


def _level_of_arrays(in_axes, args):
    """Return the level for arguments that are arrays with the batch in front, or the same for all elements.

    This is the usual call. Returns None for others, and for all errors, which `_arguments` finds.
    """
    n = None
    if type(in_axes) is tuple and len(in_axes) != len(args):
        return None
    for k, x in enumerate(args):
        axis = in_axes[k] if type(in_axes) is tuple else in_axes
        if axis is None:
            continue
        if type(axis) is not int or axis or type(x) not in _EXACT or not x.ndim:
            return None
        if n is not None and x.shape[0] != n:
            return None
        n = x.shape[0]
    return None if n is None else Level(n)


def _arguments(in_axes, args, axis_size):
    """Return the level and the arguments of `f`."""
    pairs = [_paired(args[k], axes, f"argument {k}") for k, axes in enumerate(_per_argument(in_axes, args))]
    level = Level(_size([pair for found in pairs for pair in found], axis_size))
    given = []
    for arg, found in zip(args, pairs, strict=True):
        values = [x if axis is None else Batched(_in_front(x, axis), level) for x, axis, _ in found]
        given.append(_tree.fill(arg, values))
    return level, given


def _per_argument(in_axes, args):
    """Return the axes of each argument."""
    if in_axes is None or _is_axis(in_axes):
        return [in_axes] * len(args)
    if not isinstance(in_axes, (tuple, list)) or len(in_axes) != len(args):
        raise TypeError(
            f"vmap: in_axes must be an int, None, or a tuple with one entry for each of {len(args)} positional "
            f"arguments, got {in_axes!r}"
        )
    return in_axes


def _is_axis(axes):
    return isinstance(axes, (int, np.integer)) and not isinstance(axes, bool)


def _paired(tree, axes, where):
    """Return `(leaf, axis, where it is)` for each leaf of a tree; the axes are nested as it is, or less deep."""
    if axes is None or _is_axis(axes):
        axis = None if axes is None else int(axes)
        return [(x, axis, (where, tree, k)) for k, x in enumerate(leaves(tree))]
    if isinstance(axes, dict) and isinstance(tree, dict) and axes.keys() == tree.keys():
        return [pair for key in tree for pair in _paired(tree[key], axes[key], f"{where}[{key!r}]")]
    if isinstance(axes, (tuple, list)) and isinstance(tree, (tuple, list)) and len(axes) == len(tree):
        parts = enumerate(zip(tree, axes, strict=True))
        return [pair for k, (x, own) in parts for pair in _paired(x, own, f"{where}[{k}]")]
    raise TypeError(f"vmap: the axes of {where} must be an int, None, or nested as it is, got {axes!r}")


def _text(where):
    """Return how a user writes the place of a leaf, for error messages."""
    start, tree, number = where
    return start + _tree.path(tree, number)


def _size(pairs, axis_size):
    """Return the number of elements of the batch."""
    found = {}
    for x, axis, where in pairs:
        if axis is None:
            continue
        if not isinstance(x, _ARRAYS):
            raise TypeError(f"vmap: {_text(where)} is {type(x).__name__}, which has no axis: give it None in in_axes")
        shape = shape_of(x)
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(
                f"vmap: in_axes has axis {axis} for {_text(where)} of shape {shape}: give it None in in_axes"
            )
        found.setdefault(shape[axis], where)
    if axis_size is not None:
        found.setdefault(int(axis_size), ("axis_size", 0, 0))
    if not found:
        raise ShapeError("vmap: no argument is batched: give one an axis in in_axes, or pass axis_size")
    if len(found) > 1:
        (n1, first), (n2, second), *_ = found.items()
        raise ShapeError(
            f"vmap: {_text(first)} has {n1} elements along its axis, {_text(second)} has {n2}: pass equal numbers"
        )
    return next(iter(found))


def _in_front(x, axis):
    """Return a batch as a Tensor with its axis in front; arrays are copied, since `f` may write to its argument."""
    if isinstance(x, Tensor):
        return moveaxis(x, axis, 0) if axis % x.ndim else x
    return tensor(np.moveaxis(x, axis, 0) if axis else x)


def _result(y, axis, where, level, tensors, seen):
    """Return a result with the axis of the batch; `seen` are the numbers of the Tensors that results have taken."""
    if not isinstance(y, _ARRAYS):
        raise TypeError(f"vmap: {_text(where)} must be a Tensor, an array or a number, got {type(y).__name__}")
    own = False
    if type(y) is Batched and y.level is level:
        if axis is None:
            raise VmapError(
                f"vmap: out_axes is None for {_text(where)}, which differs between the elements of the batch"
            )
        y = y.value
        own = id(y) not in seen
        seen.add(id(y))
    elif axis is not None:
        y = FUNCTIONS["broadcast_to"](y, (level.size, *shape_of(y)))
    if axis is not None:
        if not -y.ndim <= axis < y.ndim:
            raise ShapeError(
                f"vmap: out_axes has axis {axis} for {_text(where)}, which has {y.ndim} axes with the new one"
            )
        y = moveaxis(y, 0, axis) if axis % y.ndim else y
    return _for_caller(y, tensors, own)


def _for_caller(y, tensors, own):
    """Return a result as a Tensor, or as an array if it is a constant and no argument is a Tensor.

    `own`: the function computed `y`, which nothing else will read.
    """
    if type(y) is Batched:
        if y.level not in running.levels:
            raise leaked()
        return y
    if not isinstance(y, Tensor):
        return asarray(y) if tensors else y
    if tensors or (y.requires_grad and is_grad_enabled()):
        return y
    if own:
        return own_value(y)
    array = y.detach().numpy()
    return array.copy() if array.ndim else array[()]


def leaked():
    """Error for a value of a vmap whose function has returned."""
    return VmapError("a value of vmap was kept after its function had returned: return it from the function instead")
