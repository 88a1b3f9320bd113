"""Operands and reductions of losses. Computes no losses."""

from fastgrad import errors
from fastgrad._engine import Tensor, asarray
from fastgrad.rules.checks import reduced
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tracebacks import shorten


def as_tensor(x):
    """Return `x` as a Tensor."""
    return x if isinstance(x, Tensor) else asarray(x)


def pair(name, x, target):
    """Return both as Tensors; raise unless their shapes are equal, since (n,) would broadcast with (n, 1).

    Integer and boolean targets are converted to the dtype of `x`; NumPy would compute int64 and float32 in float64.
    """
    try:
        x, target = as_tensor(x), as_tensor(target)
        if x.shape != target.shape:
            shapes = f"shapes {x.shape} and {target.shape}"
            raise errors.ShapeError(f"{name}: {shapes} differ: reshape or broadcast one of them")
    except Exception as error:
        shorten(error)
        raise
    if target.dtype.kind in "biu" and x.dtype.kind == "f":
        target = FUNCTIONS["astype"](target, x.dtype)
    return x, target


def reduction_of(size_average, reduce, reduction):
    """Return the reduction that PyTorch's older parameters `size_average` and `reduce` stand for, if they are given."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is not None and not reduce:
        return "none"
    return "mean" if size_average is None or size_average else "sum"


def weighted(loss, weight, reduction):
    """Multiply losses by `weight`, which broadcasts, and reduce them."""
    return reduced(loss if weight is None else loss * as_tensor(weight), reduction)
