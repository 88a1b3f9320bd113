"""NumPy's protocols: `np.tanh(t)`, `np.sum(t, axis=0)`, `np.asarray(t)` and DLPack for Tensors of either engine.

A NumPy function that has a counterpart in fastgrad records the counterpart (`counterparts`). Any other function runs on
plain arrays, unless that would lose a gradient (`numpy_calls`).
"""

import sys

import numpy as np

from fastgrad import leaving
from fastgrad._engine import Tensor, is_capturing, leave
from fastgrad._lazy import lazy_module
from fastgrad.batching import Batched
from fastgrad.functions.arguments import as_tensor, plain, records
from fastgrad.tracebacks import shorten

counterparts = lazy_module("fastgrad.counterparts")
numpy_calls = lazy_module("fastgrad.numpy_calls")
writing = lazy_module("fastgrad.functions.writing")


def array_ufunc(self, ufunc, method, *inputs, **kwargs):
    """`__array_ufunc__`: records calls, and methods of ufuncs that exist as functions in fastgrad."""
    try:
        return _ufunc(ufunc, method, inputs, kwargs)
    except Exception as error:
        shorten(error)
        raise


def _ufunc(ufunc, method, inputs, kwargs):
    name = counterparts.full_name(ufunc) if method == "__call__" else f"{counterparts.full_name(ufunc)}.{method}"
    if method == "at":
        return writing.write(ufunc.at, name, inputs[0], inputs[1:], kwargs)
    if any(map(_is_masked, inputs)):
        return _masked(ufunc, method, name, inputs, kwargs)
    if method == "outer" and not kwargs and counterparts.numpy_function(ufunc) is not None:
        x1, x2 = map(as_tensor, inputs)
        return counterparts.numpy_function(ufunc)(x1[(..., *(None,) * x2.ndim)], x2)
    door = counterparts.numpy_function(ufunc, None if method == "__call__" else method)
    if door is None:
        return numpy_calls.on_arrays(getattr(ufunc, method), name, inputs, kwargs)
    return door.general(door, inputs, kwargs)


def array_function(self, function, types, args, kwargs):
    """`__array_function__`: records functions that exist in fastgrad, and runs others on plain arrays."""
    try:
        return _function(function, types, args, kwargs)
    except Exception as error:
        shorten(error)
        raise


def _function(function, types, args, kwargs):
    if not all(issubclass(kind, (Tensor, Batched, np.ndarray)) and not hasattr(kind, "_baseclass") for kind in types):
        return NotImplemented  # the mask of a masked array would be lost
    if function in writing.WRITERS:
        (keyword, *_), kwargs = writing.WRITERS[function], dict(kwargs)
        target, rest = (kwargs.pop(keyword), args) if keyword in kwargs else (args[0], args[1:])
        return writing.write(function, counterparts.full_name(function), target, rest, kwargs)
    door = counterparts.numpy_function(function)
    if door is None:
        return numpy_calls.on_arrays(function, counterparts.full_name(function), args, kwargs)
    return door.general(door, args, kwargs)


def _is_masked(x):
    return isinstance(x, np.ndarray) and hasattr(x, "_baseclass")


def _masked(ufunc, method, name, inputs, kwargs):
    """Call NumPy's function for masked arrays on constants, because `_call` would lose the mask."""
    if records((inputs, kwargs)):
        raise leaving.no_numpy_rule(name)
    function = getattr(np.ma, ufunc.__name__, None)
    if function is None or kwargs.pop("out", None) is not None:
        return NotImplemented
    return getattr(function, method)(*plain(inputs), **plain(kwargs))


def array(self, dtype=None, copy=None):
    """`__array__`: returns the values, read-only and shared if possible. Raises if a gradient would be lost."""
    if records(self):
        raise leaving.not_an_array(self.op)
    if is_capturing():
        leave(self, "np.asarray(x)")
    return np.array(self.detach().numpy(), dtype=dtype, copy=copy)


def buffer(self, flags):
    """`__buffer__`: returns a read-only view of the memory (Python 3.12 or later)."""
    if records(self):
        raise leaving.not_an_array(self.op)
    return memoryview(self.detach().numpy())


def dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """`__dlpack__`: exports the memory to another library, read-only if its version of the protocol supports that."""
    if records(self):
        raise leaving.not_an_array(self.op)
    if max_version is None or max_version < (1, 0) or np.lib.NumpyVersion(np.__version__) < "2.1.0":
        # The old protocol has no read-only flag. The memory is marked as writable from outside.
        shared = self.detach().numpy(writable=True)
        return shared.__dlpack__(stream=stream)
    shared = self.detach().numpy(writable=bool(copy))
    return shared.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)


def dlpack_device(self):
    """`__dlpack_device__`: returns the CPU."""
    return 1, 0


def array_namespace(self, *, api_version=None):
    """`__array_namespace__`: returns the module with the array functions."""
    return sys.modules["fastgrad"]


PROTOCOLS = {
    "__array_priority__": 1000.0,
    "__array_ufunc__": array_ufunc,
    "__array_function__": array_function,
    "__array__": array,
    "__buffer__": buffer,
    "__dlpack__": dlpack,
    "__dlpack_device__": dlpack_device,
    "__array_namespace__": array_namespace,
}
