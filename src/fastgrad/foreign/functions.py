"""Functions of PyTorch on `fg`: `fg.unsqueeze(x, 0)`, `fg.from_numpy(a)`, `fg.clamp(x, 0, 1)`.

A function that is only another name is one row of `ALIASES`, or the method of the same name.
"""

import numpy as np

from fastgrad import devices, errors, parameters
from fastgrad._engine import Tensor, asarray, enable_grad, no_grad
from fastgrad.foreign import tensor
from fastgrad.foreign.tensor import logit, rsqrt  # noqa: F401  public here too
from fastgrad.functions import joining

# PyTorch's function -> the function of fastgrad that it is another name of.
ALIASES = {
    **{
        name: target
        for name, target in tensor.ALIASES.items()
        if name not in ("equal", "amax", "amin", "median", "topk") and name != target
    },
    "row_stack": "vstack",
}  # fmt: skip
# Methods of Tensor that are functions as well.
_METHODS = """
    addmm chunk div sub gather index_select is_complex is_floating_point lerp masked_fill masked_select numel narrow
    permute scatter t unbind unflatten
"""


def _from_method(name):
    method = tensor.METHODS[name]

    def function(input, *args, **kwargs):
        return method(asarray(input), *args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{method.__doc__}\n\nThe function `fg.{name}(x, ...)` is the method `x.{name}(...)`."
    return function


globals().update({name: tensor.find(target) for name, target in ALIASES.items()})
globals().update({name: _from_method(name) for name in _METHODS.split()})


def cat(tensors, dim=0, *, axis=None):
    """Join a sequence of tensors along an axis, as `fg.concat`. Empty vectors are left out, as in PyTorch.

    Parameters
    ----------
    tensors : sequence of Tensor or array
        Vectors without elements may be among tensors of any shape: a loop that collects results starts with one.
    dim, axis : int

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes differ along another axis, or there are no tensors.
    """
    if isinstance(axis, Tensor) or (isinstance(dim, Tensor) and dim.ndim):
        raise errors.DTypeError("cat() takes a sequence of tensors and an axis, got two tensors: use fg.cat((x, y))")
    tensors = list(tensors)
    kept = [x for x in tensors if getattr(x, "shape", None) != (0,)]
    return joining.concat(kept or tensors, parameters.either(dim, axis, 0))


def from_numpy(array):
    """Return a Tensor that shares memory with a NumPy array, `fg.asarray(array)`."""
    if not isinstance(array, np.ndarray):
        raise errors.DTypeError(f"from_numpy() takes a NumPy array, got {type(array).__name__}: use fg.tensor(data)")
    return asarray(array)


def as_tensor(data, dtype=None, device=None):
    """Return a Tensor that shares memory with `data` where possible, `fg.asarray(data, dtype=dtype)`."""
    devices.check(device)
    return asarray(data, dtype=dtype)


def is_tensor(obj):
    """Return whether `obj` is a Tensor."""
    return isinstance(obj, Tensor)


def complex(real, imag):
    """Return `real + 1j * imag`."""
    return asarray(real) + 1j * asarray(imag)


class set_grad_enabled:
    """Turn recording on or off: from now on, and as a context manager for the block.

    Parameters
    ----------
    mode : bool
        Whether operations are recorded.
    """

    def __init__(self, mode):
        self._mode = _mode_of(bool(mode))
        self._mode.__enter__()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._mode.__exit__(*exc)


def _mode_of(mode):
    return enable_grad() if mode else no_grad()


def inference_mode(mode=True):
    """Return a context manager and decorator that turns recording off, `fg.no_grad()`."""
    return no_grad() if mode else _mode_of(True)
