"""NumPy's functions for boxes: how a function of NumPy becomes one of `autograd.numpy`. Defines no derivative.

A function with a counterpart in fastgrad records it, as in `fastgrad.numpy`. All others run on the values of boxes, and
return what NumPy returns, since autograd's users index arrays with `argmax(x)` and compare `sign(x)` with a number.
"""

from types import ModuleType

import numpy as np

from fastgrad import _families, errors, op_functions
from fastgrad._engine import NumPyFunction, Tensor, own_value
from fastgrad.autograd._array_box import handles_ufuncs
from fastgrad.autograd._box import Box
from fastgrad.counterparts import numpy_function
from fastgrad.functions.arguments import has_gradient, records
from fastgrad.numpy_calls import general

# Functions whose derivative is zero wherever it exists, or whose results only depend on shapes.
CONSTANT = """
    all allclose any argmax argmin argpartition argsort argwhere around array_equal array_equiv bartlett blackman ceil
    count_nonzero digitize empty_like equal fix flatnonzero floor floor_divide greater greater_equal hamming hanning
    iscomplex iscomplexobj isclose isfinite isin isinf isnan isneginf isposinf isreal isrealobj isscalar less less_equal
    linalg.matrix_rank logical_and logical_not logical_or logical_xor nanargmax nanargmin ndim nonzero not_equal
    ones_like result_type rint round searchsorted shape sign signbit size spacing trunc zeros_like
"""
WRITERS = _families.OTHERS["functions.writing"]  # NumPy's dispatch hands them to fastgrad


class MissingRuleError(errors.NotDifferentiableError, NotImplementedError):
    """A function without a derivative got a value that is being differentiated."""


def _named(names):
    """Return the functions of NumPy with these names."""
    found = []
    for name in names.split():
        function = np
        for part in name.split("."):
            function = getattr(function, part, None)
        found.append(function)
    return [function for function in found if function is not None]


_constant, _writers = map(_named, (CONSTANT, WRITERS))


def values(x):
    """Return the NumPy values of boxes, also inside lists, tuples and dicts; scalars for those without axes."""
    if isinstance(x, Tensor):
        return own_value(x.detach())
    if isinstance(x, dict):
        return {key: values(value) for key, value in x.items()}
    if type(x) in (list, tuple):
        return type(x)(map(values, x))
    return x


def on_values(function, args, kwargs):
    """Call NumPy's function on the values of boxes: the result is a constant."""
    found = [own_value(x.detach()) if isinstance(x, Tensor) else values(x) for x in args]
    return function.function(*found, **values(kwargs)) if kwargs else function.function(*found)


def without_rule(function, args, kwargs):
    """Call NumPy's function on the values of boxes; raise if the result could have a derivative."""
    result = on_values(function, args, kwargs)
    if has_gradient(result) and records((args, kwargs)):
        given = (*args, *kwargs.values())
        wrt = tuple(k for k, x in enumerate(given) if records(x))
        raise MissingRuleError(
            f"VJP of {function.__name__} wrt argnums {wrt} not defined: define it with autograd.extend.defvjp, or call "
            "the function on autograd.tracer.getval(x) if no gradient is needed"
        )
    return result


def recorded(function, args, kwargs):
    """Call what the fast path leaves: lists of boxes, arguments without a counterpart, arrays of other classes."""
    plain = tuple(map(_as_array, args)), {name: _as_array(x) for name, x in kwargs.items()}
    if any(map(_overrides, (*plain[0], *plain[1].values()))):
        return function.function(*args, **kwargs)  # NumPy's dispatch
    return constants_as_values(general(function, *plain))


def dispatched(function, args, kwargs):
    """Call NumPy's function as it is; its dispatch finds what fastgrad does instead."""
    return function.function(*args, **kwargs)


def _as_array(x):
    """Return an array of a subclass that boxes may hold as a plain array, and a column of pandas as its values."""
    if isinstance(x, np.ndarray):
        return x.view(np.ndarray) if type(x) in Box.type_mappings else x
    if isinstance(x, Tensor) or not hasattr(x, "__array_ufunc__") or handles_ufuncs(x):
        return x
    return np.asarray(x)


def _overrides(x):
    return handles_ufuncs(x) or (isinstance(x, np.ndarray) and type(x) is not np.ndarray)


def constants_as_values(y):
    """Return Tensors without a gradient in a result as NumPy's values, also inside a tuple."""
    if isinstance(y, Tensor):
        return y if y.requires_grad else values(y)
    if isinstance(y, (tuple, list)):
        parts = map(constants_as_values, y)
        return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)
    return y


def function_for_boxes(function, module):
    """Return a function of NumPy as `module`, which has autograd's names, has it.

    Parameters
    ----------
    function : callable
        Of NumPy.
    module : str
        The module in which the result can be found, for pickling.

    Returns
    -------
    NumPyFunction
        Without boxes among the arguments it is `function`.
    """
    door = None if function in _constant or function in _writers else numpy_function(function)
    if door is not None:
        return made(function, door.counterpart, door.plan, recorded, module)
    if function in _constant:
        return made(function, op_functions.VALUES, None, on_values, module)
    return made(function, None, None, dispatched if function in _writers else without_rule, module)


def made(function, counterpart, plan, general, module):
    """Return a NumPyFunction with the attributes of `function` that users read."""
    names = op_functions.numpy_names(function) | {"__module__": module}
    if isinstance(function, np.ufunc):
        names |= {key: getattr(function, key) for key in ("nin", "nout", "nargs", "identity", "signature", "types")}
        for key in ("reduce", "accumulate", "outer", "at", "reduceat"):
            names[key] = numpy_function(function, key) or getattr(function, key)
    return NumPyFunction(function, counterpart, plan, general, names, finish=constants_as_values)


def wrap_namespace(old, new):
    """Put what a module of NumPy or SciPy has into another one, with functions for boxes.

    Names of the same function get the same function. Modules are left out.

    Parameters
    ----------
    old, new : dict
        The names of the two modules, as `vars` returns them.
    """
    module, found = new["__name__"], {}
    for name, value in old.items():
        if name.startswith("__") or isinstance(value, ModuleType):
            continue
        if callable(value) and not isinstance(value, type) and getattr(value, "__name__", None) is not None:
            if id(value) not in found:
                found[id(value)] = function_for_boxes(value, module)
            value = found[id(value)]
        new[name] = value
