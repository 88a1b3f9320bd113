"""NumPy's functions that write into their first argument: copyto, put, place, putmask, fill_diagonal, put_along_axis.

A write to a Tensor is complete or not done, and is counted. Imported at first use.
"""

import numpy as np

from fastgrad import errors, leaving
from fastgrad._engine import Tensor
from fastgrad.functions.arguments import as_tensor, plain, records
from fastgrad.functions.arrays import joined
from fastgrad.functions.shapes import ravel
from fastgrad.rules import selecting
from fastgrad.rules.rule import FUNCTIONS

# NumPy's function -> the names of the target and of the values, and the position of the values after the target.
WRITERS = {
    np.copyto: ("dst", "src", 0), np.put: ("a", "v", 1), np.place: ("arr", "vals", 1),
    np.putmask: ("a", "values", 1), np.fill_diagonal: ("a", "val", 0), np.put_along_axis: ("arr", "values", 1),
}  # fmt: skip


def write(function, name, target, args, kwargs):
    """Call a NumPy function that writes into `target`, with the other arguments `args`. A Tensor records the write.

    Parameters
    ----------
    function : function
        One of `WRITERS`, or the method `at` of a ufunc. Of these, `np.add.at` and `np.subtract.at` are recorded.
    name : str
        Its name, for messages.
    target : Tensor or array
    args, kwargs
        The other arguments.

    Raises
    ------
    NotDifferentiableError
        If a gradient would be lost.
    """
    if not isinstance(target, Tensor):
        if records((args, kwargs)):
            raise leaving.no_numpy_write(name)
        return function(target, *plain(args), **plain(kwargs))
    if records(target) and target.is_leaf:
        raise errors.leaf_written()
    recorded = records((target, args, kwargs))
    added = getattr(function, "__self__", None) in (np.add, np.subtract)
    if recorded and not added and function not in WRITERS:
        raise leaving.no_numpy_write(name)
    array = target.detach().numpy().copy()
    function(array, *plain(args), **plain(kwargs))
    if recorded:
        merge = _added if added else _merged
        array = merge(function, name, target, args, kwargs)
    target[...] = array
    return None


def _read(values, target, name):
    """Return the values for `target` as a Tensor. NumPy would convert a float to an integer, without a gradient."""
    values = as_tensor(joined(values))
    if records(values) and not np.can_cast(values.dtype, target.dtype, "same_kind"):
        raise errors.inplace_dtype(name, values.dtype, target.dtype)
    return values


def _added(function, name, target, args, _):
    """Return `target` to which `np.add.at` or `np.subtract.at` has added values, recorded."""
    key, values = args
    values = FUNCTIONS["astype"](_read(values, target, name), target.dtype)
    return selecting.add_at(target, values if function.__self__ is np.add else -values, key)


def _merged(function, name, target, args, kwargs):
    """Return `target` with the values where `function` writes them, recorded.

    Which value is written where is found by writing the numbers of the values.
    """
    _, word, place = WRITERS[function]
    args, kwargs = list(args), dict(kwargs)
    values = _read(kwargs[word] if word in kwargs else args[place], target, name)
    numbers = np.arange(values.size).reshape(values.shape)
    if word in kwargs:
        kwargs[word] = numbers
    else:
        args[place] = numbers
    if function is np.copyto:
        kwargs["casting"] = "unsafe"  # whether the values fit has been seen
    source = np.full(target.shape, -1)
    function(source, *plain(args), **plain(kwargs))
    written = source >= 0
    if not written.any():
        return target
    found = FUNCTIONS["getitem"](ravel(values), np.maximum(source, 0))
    return FUNCTIONS["where"](written, FUNCTIONS["astype"](found, target.dtype), target)


def copyto(dst, src, casting="same_kind", where=True):
    """Write `src`, broadcast, into `dst` in place, where `where` is True. A Tensor records the write.

    Parameters
    ----------
    dst : Tensor or array
    src : Tensor or array
    casting : {"no", "equiv", "safe", "same_kind", "unsafe"}
        Which dtypes of `src` are converted.
    where : array of bool

    Raises
    ------
    TypeError
        If the dtype of `src` is not converted.
    """
    write(np.copyto, "fg.copyto", dst, (src,), {"casting": casting, "where": where})


def put(a, ind, v, mode="raise"):
    """Write the values `v`, repeated as often as necessary, to the places `ind` of the flattened `a`.

    Parameters
    ----------
    a : Tensor or array
        A Tensor records the write.
    ind : array of int
    v : Tensor or array
    mode : {"raise", "wrap", "clip"}
        What to do with indices that are out of bounds.

    Raises
    ------
    IndexError
        If an index is out of bounds.
    """
    write(np.put, "fg.put", a, (ind, v), {"mode": mode})


def place(arr, mask, vals):
    """Write the values `vals`, one after the other, to the elements of `arr` for which `mask` is True.

    Parameters
    ----------
    arr : Tensor or array
        A Tensor records the write.
    mask : array of bool, of the shape of `arr`
    vals : Tensor or array, 1-d
        Repeated as often as necessary.

    Raises
    ------
    ValueError
        If there are no values, or the shapes differ.
    """
    write(np.place, "fg.place", arr, (mask, vals), {})


def putmask(a, mask, values):
    """Write `values` to the elements of `a` for which `mask` is True, from the same places.

    Parameters
    ----------
    a : Tensor or array
        A Tensor records the write.
    mask : array of bool, of the shape of `a`
    values : Tensor or array
        Repeated if it has fewer elements than `a`.

    Raises
    ------
    ValueError
        If the shapes of `a` and `mask` differ.
    """
    write(np.putmask, "fg.putmask", a, (mask, values), {})


def fill_diagonal(a, val, wrap=False):
    """Write `val` to the main diagonal of `a` in place.

    Parameters
    ----------
    a : Tensor or array, two or more axes
        A Tensor records the write.
    val : Tensor, array or number
        Repeated as often as necessary.
    wrap : bool
        Whether the diagonal of a tall matrix starts again after its end.

    Raises
    ------
    ValueError
        If `a` is a vector, or has more than two axes of different lengths.
    """
    write(np.fill_diagonal, "fg.fill_diagonal", a, (val,), {"wrap": wrap})


def put_along_axis(arr, indices, values, axis):
    """Write `values` to the places `indices` along `axis` of `arr`: the reverse of `take_along_axis`.

    Parameters
    ----------
    arr : Tensor or array
        A Tensor records the write.
    indices : array of int
        With as many axes as `arr`.
    values : Tensor or array
        Broadcast to the shape of `indices`.
    axis : int or None
        None flattens `arr`.

    Raises
    ------
    ValueError
        If the numbers of axes differ.
    IndexError
        If an index is out of bounds.
    """
    write(np.put_along_axis, "fg.put_along_axis", arr, (indices, values, axis), {})
