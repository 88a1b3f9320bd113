"""`autograd.scipy.special`: all names of `scipy.special`, with functions for boxes where there is a derivative.

They are made when they are first read. Derivatives are those of fastgrad's ops (`fastgrad.rules.special`) and of
`fastgrad.functions.special`. Other functions return SciPy's values, and raise if their result would need a gradient.
"""

from functools import partial as _partial
from types import ModuleType as _ModuleType

from fastgrad._lazy import lazy_module as _lazy_module
from fastgrad.autograd.numpy._functions import function_for_boxes as _function_for_boxes
from fastgrad.autograd.numpy._functions import made as _made
from fastgrad.autograd.numpy._functions import on_values as _on_values
from fastgrad.autograd.numpy._functions import recorded as _recorded
from fastgrad.autograd.scipy._modules import ScipyModule as _ScipyModule
from fastgrad.call_plans import Plan as _Plan

_own = _lazy_module("fastgrad.functions.special")
_special = _ScipyModule("scipy.special")
_CONSTANT = ("gammasgn", "round")
_found = {}  # by identity of SciPy's function: some have two names


def _function(name, function):
    if name in _CONSTANT:
        return _made(function, None, None, _on_values, __name__)
    own = _own.FUNCTIONS_OF_SCIPY.get(name)
    if own is not None:
        return _made(function, own, _Plan(function, own, f"scipy.special.{name}"), _recorded, __name__)
    if not hasattr(function, "__name__"):  # groups of ufuncs have none in older versions
        function, doc = _partial(function), function.__doc__
        function.__name__, function.__doc__ = name, doc
    return _function_for_boxes(function, __name__)


def __getattr__(name):
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_special.load(), name)
    if callable(value) and not isinstance(value, (type, _ModuleType)):
        if id(value) not in _found:
            _found[id(value)] = _function(name, value)
        value = _found[id(value)]
    globals()[name] = value
    return value


def __dir__():
    return sorted(name for name in dir(_special.load()) if not name.startswith("_"))
