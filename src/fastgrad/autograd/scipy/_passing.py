"""SciPy's functions for which there is nothing here: they return SciPy's values, and have no derivative."""

from types import ModuleType

from fastgrad import _tree
from fastgrad._engine import Tensor
from fastgrad.autograd.numpy._functions import function_for_boxes
from fastgrad.autograd.scipy._modules import ScipyModule


def holds_box(*values):
    """Return whether a Tensor is among the values, or in a tuple, list or dict among them."""
    return any(isinstance(leaf, Tensor) for leaf in _tree.leaves(values))


def pass_names(module, namespace):
    """Return `__getattr__` and `__dir__` for a module that has all names of SciPy's `module` beside its own.

    Parameters
    ----------
    module : str
        The name of SciPy's module, which is imported when a name is first read.
    namespace : dict
        Of the module that calls this function.
    """
    scipy, own = ScipyModule(module), namespace["__name__"]

    def __getattr__(name):
        if name.startswith("__"):
            raise AttributeError(f"module {own!r} has no attribute {name!r}")
        found = getattr(scipy, name)
        if callable(found) and not isinstance(found, (type, ModuleType)) and hasattr(found, "__name__"):
            found = function_for_boxes(found, own)
        namespace[name] = found
        return found

    def __dir__():
        return sorted(name for name in {*namespace, *dir(scipy.load())} if not name.startswith("_"))

    return __getattr__, __dir__
