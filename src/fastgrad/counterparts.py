"""The table of NumPy's functions and of the functions of fastgrad that take their calls.

`counterpart_of` finds fastgrad's function, from the public functions, the NumPy names of the rules and the families of
`_families`. `numpy_function` returns NumPy's function with fastgrad's behind it. NumPy's protocols (`protocols`) and
the names of `fastgrad.numpy` both take it from there.
"""

import sys

import numpy as np

from fastgrad import _families, leaving, numpy_calls, op_functions
from fastgrad._engine import NumPyFunction, Tensor
from fastgrad._lazy import lazy_module
from fastgrad.call_plans import Plan, has_plan
from fastgrad.functions import arrays, constants, joining, products, shapes
from fastgrad.rules import FUNCTIONS, RULES

special = lazy_module("fastgrad.rules.special")

_table = {}  # NumPy function -> fastgrad function
_families_read = False  # whether the table has the families that are imported at first use
_METHODS = {
    ("add", "reduce"): "sum", ("multiply", "reduce"): "prod", ("maximum", "reduce"): "max",
    ("minimum", "reduce"): "min", ("logaddexp", "reduce"): "logsumexp", ("add", "accumulate"): "cumsum",
    ("multiply", "accumulate"): "cumprod",
}  # fmt: skip
_UFUNC_METHODS = ("reduce", "accumulate", "outer", "at", "reduceat")


def _divmod(x1, x2, /):
    return divmod(x1, x2) if hasattr(x1, "requires_grad") else x2.__rdivmod__(x1)


def _concatenate(arrays, /, axis=0):
    """`np.concatenate`, except of the rows of one Tensor, as `np.bmat` calls it if its blocks are Tensors."""
    if axis == -1 and isinstance(arrays, Tensor) and arrays.ndim == 2:
        raise leaving.rows_for_blocks()
    return joining.concat(arrays, axis)


def recording_functions():
    """Return the public functions that are not rules and whose results are recorded, by name.

    Functions that return constants are not included: NumPy's own functions are used, and raise if a gradient would be
    lost.
    """
    found = {name: value for name, value in vars(constants).items() if name.endswith("_like")}
    for family in (shapes, joining, products):
        for name, value in vars(family).items():
            if name[0] != "_" and getattr(value, "__module__", None) == family.__name__:
                found[name] = value
    return found


def table():
    """Return the table of NumPy functions and their counterparts in fastgrad, without further families."""
    if not _table:
        own = {"divmod": _divmod, "concatenate": _concatenate, "full": constants.full, "linspace": constants.linspace}
        own |= constants.constants()
        _table.update(_by_function(recording_functions() | arrays.FUNCTIONS | own))
    return _table


def counterpart_of(function):
    """Return the function of fastgrad for one of NumPy's, or None. Imports the further families if necessary."""
    global _families_read
    found = table().get(function)
    if found is None and not _families_read:
        more = _by_function(_families.load())
        _table.update({function: counterpart for function, counterpart in more.items() if function not in _table})
        _families_read = True
        found = _table.get(function)
    return found


def _by_function(named):
    """Return functions of fastgrad by NumPy's function: those in `named`, by its name, and those of all rules."""
    named = dict(named)
    for name, rule in RULES.items():
        named |= {word: named.get(word) or named.get(name) or FUNCTIONS[name] for word in rule.numpy_names}
    found = {}
    for name, counterpart in named.items():
        function = np
        for part in name.split("."):
            function = getattr(function, part, None)
        if function is not None:
            found[function] = counterpart
    return found


def full_name(function):
    """Return the name of a NumPy or SciPy function for messages, such as "np.linalg.inv" or "scipy.special.expit"."""
    name = function.__name__
    if isinstance(function, np.ufunc):
        if getattr(np, name, None) is function:
            return f"np.{name}"
        scipys = sys.modules.get("scipy.special")
        return f"scipy.special.{name}" if getattr(scipys, name, None) is function else name
    return (function.__module__ or "numpy").replace("numpy", "np", 1) + "." + name


def numpy_function(function, method=None):
    """Return a NumPy function, or a method of a ufunc, that calls fastgrad's for Tensors; None if there is none."""
    key = function if method is None else (function, method)
    try:
        return op_functions.numpy_functions[key]
    except KeyError:
        made = op_functions.numpy_functions[key] = _made(function, method)
        return made


def _made(function, method):
    counterpart = counterpart_of(function)
    if counterpart is None and not isinstance(function, np.ufunc):
        return None
    name, called = full_name(function), function
    if method is not None:
        counterpart = FUNCTIONS.get(_METHODS.get((function.__name__, method)) if name.startswith("np.") else None)
        name, called = f"{name}.{method}", getattr(function, method)
    elif counterpart is None and name.startswith("scipy."):
        counterpart = _of_scipy(function)
    if counterpart is None or not has_plan(function, name.removeprefix("np.")):
        return None
    plan = Plan(function, counterpart, name, method)
    names = op_functions.numpy_names(called, None if method is None else function)
    if method is None and isinstance(function, np.ufunc):
        names |= {key: getattr(function, key) for key in ("nin", "nout", "nargs", "identity", "signature")}
        names |= {key: numpy_function(function, key) or getattr(function, key) for key in _UFUNC_METHODS}
    return NumPyFunction(called, counterpart, plan, numpy_calls.general, names)


def _of_scipy(ufunc):
    """Return the function for a ufunc of `scipy.special`, or None."""
    _families.load()
    return special.of_ufunc(ufunc.__name__)
