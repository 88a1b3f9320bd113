"""A function of NumPy that calls fastgrad's where a Tensor is among the arguments. See `call_plans`."""

from types import MethodType

import numpy as np

from fastgrad import op_functions
from fastgrad.batching import Batched
from fastgrad.engine_python.tensor import Tensor
from fastgrad.tracebacks import shorten


class NumPyFunction:
    __doc__ = op_functions.NUMPY_FUNCTION
    __repr__ = op_functions.numpy_text
    __reduce__ = op_functions.numpy_reduce

    def __init__(self, function, counterpart, plan, general, names, finish=None):
        self.function, self.counterpart, self.plan, self.general = function, counterpart, plan, general
        # None, or for a name of another package what converts results that are not recorded. Such a function becomes a
        # method where it is an attribute of a class, as functions of Python do, and `general` decides among arrays of
        # other classes, not NumPy's dispatch.
        self.finish = finish
        self.override = None  # what is called instead: derivatives that a user has defined
        vars(self).update(names)

    def __call__(self, *args, **kwargs):
        if self.override is not None:
            return self.override(*args, **kwargs)
        arguments = (*args, *kwargs.values())
        traced = any(map(_holds_tensor, arguments))
        if not traced or (self.finish is None and any(map(_is_other_array, arguments))):
            return self.function(*args, **kwargs)
        try:
            result = self.general(self, args, kwargs)
        except Exception as error:
            shorten(error)
            raise
        return result if self.finish is None else self.finish(result)

    def __get__(self, instance, owner):
        return MethodType(self, instance) if self.finish is not None and instance is not None else self

    def __getattr__(self, name):
        return getattr(self.function, name)


def _holds_tensor(x):
    return isinstance(x, (Tensor, Batched)) or (isinstance(x, (list, tuple)) and any(map(_holds_tensor, x)))


def _is_other_array(x):
    """Return whether NumPy's dispatch has to decide, as for masked arrays."""
    return isinstance(x, np.ndarray) and type(x) is not np.ndarray
