"""SciPy's functions for which there is nothing here: they return SciPy's values, and have no derivative."""

import functools
from types import ModuleType

from fastgrad import _tree
from fastgrad._engine import Tensor
from fastgrad.autograd.numpy._functions import constants_as_values, function_for_boxes
from fastgrad.autograd.scipy._modules import ScipyModule
from fastgrad.autograd.tracer import engine_primitive


def holds_box(*values):
    """Return whether a Tensor is among the values, or in a tuple, list or dict among them."""
    return any(isinstance(leaf, Tensor) for leaf in _tree.leaves(values))


def pass_names(module, namespace, boxed=None):
    """Return `__getattr__` and `__dir__` for a module that has all names of SciPy's `module` beside its own.

    Parameters
    ----------
    module : str
        The name of SciPy's module, which is imported when a name is first read.
    namespace : dict
        Of the module that calls this function.
    boxed : dict, optional
        Functions that are called in place of SciPy's of the same names if there are boxes among the arguments.
    """
    scipy, own = ScipyModule(module), namespace["__name__"]

    def __getattr__(name):
        if name.startswith("__"):
            raise AttributeError(f"module {own!r} has no attribute {name!r}")
        found = getattr(scipy, name)
        if boxed is not None and name in boxed:
            found = with_boxes(name, boxed[name], module, own)
        elif callable(found) and not isinstance(found, (type, ModuleType)) and hasattr(found, "__name__"):
            found = function_for_boxes(found, own)
        namespace[name] = found
        return found

    def __dir__():
        return sorted(name for name in {*namespace, *dir(scipy.load())} if not name.startswith("_"))

    return __getattr__, __dir__


def with_boxes(name, own, module, namespace):
    """Return SciPy's function `name` of `module` that calls `own` if there are Tensors among the arguments."""
    scipy = getattr(ScipyModule(module), name)

    @functools.wraps(scipy, updated=())
    def function(*args, **kwargs):
        if holds_box(args, kwargs):
            return constants_as_values(own(*args, **kwargs))
        return scipy(*args, **kwargs)

    function.__module__ = namespace
    return functools.wraps(scipy, updated=())(engine_primitive(function, name))
