"""Methods of Tensor for shapes, and calls that look the same in PyTorch and in NumPy. `METHODS` maps names to them."""

import operator
import warnings

from fastgrad import errors, parameters
from fastgrad._lazy import lazy_module
from fastgrad.functions import shapes
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tracebacks import shorten

creation = lazy_module("fastgrad.foreign.creation")

METHODS = {}


def _method(function):
    METHODS[function.__name__] = function
    return function


@_method
def reshape(self, *shape, order="C"):
    """Return the elements in another shape, as a view where the strides allow it.

    Parameters
    ----------
    *shape : int, or one tuple of int
        One length may be -1.
    order : {"C", "F", "A"}
        Which index changes fastest, as of `fg.reshape`.

    Raises
    ------
    ShapeError
        If the shape has a different number of elements.
    """
    try:
        return shapes.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)
    except Exception as error:
        shorten(error)
        raise


@_method
def transpose(self, *axes):
    """Return a view with the axes reversed, or in the order `axes`.

    Parameters
    ----------
    *axes : int, or one sequence of int
        Two ints swap these axes, as in PyTorch, unless the tensor is a matrix: then they are the order of its axes.

    Raises
    ------
    ShapeError
        If `axes` does not contain each axis once.
    """
    if len(axes) == 1 and not hasattr(axes[0], "__index__"):
        axes = axes[0]
    axes = parameters.integers(axes or ())
    if len(axes) == 2 and self.ndim == 2 and axes[0] % 2 == 0 and axes[1] % 2 == 1:
        warnings.warn(
            f"x.transpose{axes} of a matrix keeps the order of its axes, as in NumPy; PyTorch swaps them: use "
            f"x.T or x.swapaxes{axes} to swap, x.permute_dims({axes}) to keep the order",
            errors.PyTorchSpellingWarning,
            stacklevel=2,
        )
    try:
        if len(axes) == 2 and self.ndim != 2:
            return shapes.swapaxes(self, *axes)
        return shapes.permute_dims(self, tuple(axes or range(self.ndim)[::-1]))
    except Exception as error:
        shorten(error)
        raise


@_method
def repeat(self, *repeats, axis=None):
    """Return each element repeated along `axis`, as `x.repeat(2, axis=0)`, by default of the flattened tensor.

    Parameters
    ----------
    *repeats : int or array of int
        A second number is the axis, as in NumPy, if there is such an axis. In PyTorch, several numbers repeat the whole
        tensor along each axis, and so they do here if there are three or more, or the axis does not exist.
    axis : int, optional

    Warns
    -----
    PyTorchSpellingWarning
        If two numbers have both meanings.
    """
    sizes = repeats[0] if len(repeats) == 1 and axis is None and isinstance(repeats[0], tuple) else None
    if sizes is not None and self.ndim > 1 and len(sizes) not in (1, self.size):  # an error in NumPy
        return FUNCTIONS["tile"](self, sizes)
    if len(repeats) == 2 and axis is None and repeats[1] is not None:
        if not -self.ndim <= operator.index(repeats[1]) < self.ndim:
            return FUNCTIONS["tile"](self, repeats)
        axis = repeats[1]
        warnings.warn(
            f"x.repeat{repeats} repeats each element along axis {axis}, as in NumPy; PyTorch repeats the whole tensor: "
            f"use x.repeat({repeats[0]}, axis={axis}), or x.tile({repeats})",
            errors.PyTorchSpellingWarning,
            stacklevel=2,
        )
    elif len(repeats) > 1 and axis is None and None not in repeats:
        return FUNCTIONS["tile"](self, repeats)
    return FUNCTIONS["repeat"](self, *repeats[:1], axis=axis)


@_method
def tile(self, *reps):
    """Return the whole tensor repeated along each axis: `x.tile(2, 1)` or `x.tile((2, 1))`."""
    return FUNCTIONS["tile"](self, reps[0] if len(reps) == 1 else reps)


@_method
def flatten(self, start_dim=0, end_dim=-1):
    """Return a copy of the elements along one axis, in C order; of the axes from `start_dim` to `end_dim` if given.

    Parameters
    ----------
    start_dim, end_dim : int
        PyTorch's parameters.
    """
    y = shapes.flatten(self, start_dim, end_dim)
    return y.copy() if (start_dim, end_dim) == (0, -1) else y


def _new(cls, *data, device=None):
    """Return a Tensor of the data, or an uninitialized one of the given lengths, as PyTorch's `Tensor(...)` does."""
    return creation.of_class(*data, device=device)


_new.__name__ = _new.__qualname__ = "Tensor"
METHODS["__new__"] = staticmethod(_new)
