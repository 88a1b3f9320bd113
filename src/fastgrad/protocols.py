"""NumPy's protocols: `np.tanh(t)`, `np.sum(t, axis=0)`, `np.asarray(t)` and DLPack for Tensors of either engine.

A NumPy function that has a counterpart in fastgrad records the counterpart. Any other function runs on plain arrays,
unless that would lose a gradient. The table of counterparts is built at the first call, from the public functions and
the NumPy names of the rules.
"""

import sys

import numpy as np

from fastgrad import _families, errors, leaving
from fastgrad._engine import Tensor, asarray
from fastgrad.functions import constants, contractions, products, shapes
from fastgrad.functions.arguments import has_gradient, plain, records
from fastgrad.rules import FUNCTIONS, RULES
from fastgrad.tracebacks import shorten

_table = {}  # NumPy function -> fastgrad function
_families_read = False  # whether the table has the families that are imported at first use
_RENAMED = {"a_min": "min", "a_max": "max", "newshape": "shape"}
_DEFAULTS = {"casting": "same_kind", "order": "K", "subok": True, "where": True, "keepdims": False}
_REDUCTIONS = {
    (np.add, "reduce"): np.sum, (np.multiply, "reduce"): np.prod, (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min, (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}  # fmt: skip


# NumPy functions that write into their first argument, and its name.
_WRITERS = {
    np.copyto: "dst", np.put: "a", np.place: "arr", np.putmask: "a", np.fill_diagonal: "a", np.put_along_axis: "arr",
}  # fmt: skip


# Further NumPy names of fastgrad's functions.
_ALIASES = {
    "linalg.outer": "outer", "linalg.matmul": "matmul", "linalg.tensordot": "tensordot", "linalg.vecdot": "vecdot",
    "linalg.matrix_transpose": "matrix_transpose",
}  # fmt: skip
# Operand names of NumPy functions that have no Python signature.
_OPERANDS = {
    "dot": ("a", "b"), "concatenate": ("arrays",), "linalg.matrix_transpose": ("x",),
}  # fmt: skip


def _divmod(x1, x2, /):
    return divmod(x1, x2) if hasattr(x1, "requires_grad") else x2.__rdivmod__(x1)


def _where(condition, *choices):
    """`np.where`, which returns the indices of the true elements if the condition is the only argument."""
    return FUNCTIONS["where"](condition, *choices) if choices else constants.nonzero(condition)


# SciPy ufunc -> op.
_SCIPY_OPS = {"expit": "sigmoid", "log_expit": "logsigmoid"} | {
    name: name for name in ("expm1", "log1p", "exp2", "erf", "erfc")
}


def _scipy_op(ufunc):
    """Return the op for a SciPy ufunc, or None, and the full name of the ufunc."""
    name = ufunc.__name__
    if getattr(np, name, None) is ufunc:
        return None, f"np.{name}"
    special = sys.modules.get("scipy.special")
    if special is None or getattr(special, name, None) is not ufunc:
        return None, name
    return FUNCTIONS.get(_SCIPY_OPS.get(name)), f"scipy.special.{name}"


def recording_functions():
    """Return the public functions that are not rules and whose results are recorded, by name.

    Functions that return constants are not included: NumPy's own functions are used, and raise if a gradient would be
    lost.
    """
    found = {name: value for name, value in vars(constants).items() if name.endswith("_like")}
    for family in (shapes, products, contractions):
        for name, value in vars(family).items():
            if name[0] != "_" and getattr(value, "__module__", None) == family.__name__:
                found[name] = value
    return found


def table():
    """Return the table of NumPy functions and their counterparts in fastgrad, without further families."""
    if not _table:
        _table.update(_by_function(recording_functions() | {"divmod": _divmod, "where": _where}, _ALIASES))
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


def _by_function(named, aliases=()):
    """Return functions of fastgrad by NumPy's function: those in `named`, by its name, and those of all rules."""
    named = dict(named)
    for name, rule in RULES.items():
        named |= {word: named.get(word) or named.get(name) or FUNCTIONS[name] for word in rule.numpy_names}
    named |= {alias: named.get(aliases[alias]) or FUNCTIONS[aliases[alias]] for alias in aliases}
    found = {}
    for name, counterpart in named.items():
        function = np
        for part in name.split("."):
            function = getattr(function, part, None)
        if function is not None:
            found[function] = counterpart
    return found


def array_ufunc(self, ufunc, method, *inputs, out=None, **kwargs):
    """`__array_ufunc__`: records calls, and reductions that exist as functions in fastgrad."""
    try:
        return _ufunc(ufunc, method, inputs, out, kwargs)
    except Exception as error:
        shorten(error)
        raise


def _ufunc(ufunc, method, inputs, out, kwargs):
    scipy_op, name = _scipy_op(ufunc)
    name = name if method == "__call__" else f"{name}.{method}"
    if method == "at":
        return _write(ufunc.at, name, inputs[0], inputs[1:], kwargs)
    if any(_is_masked(x) for x in inputs):
        return _masked(ufunc, method, name, inputs, {**kwargs, "out": out})
    if method == "__call__":
        counterpart = scipy_op or counterpart_of(ufunc)
    else:
        counterpart = counterpart_of(_REDUCTIONS.get((ufunc, method)))
    if counterpart is not None and method != "__call__":
        kwargs.setdefault("axis", 0)  # a ufunc reduces the first axis by default, a function all axes
    return _call(counterpart, getattr(ufunc, method), name, inputs, {**kwargs, "out": out})


def array_function(self, function, types, args, kwargs):
    """`__array_function__`: records functions that exist in fastgrad, and runs others on plain arrays."""
    try:
        return _function(function, types, args, kwargs)
    except Exception as error:
        shorten(error)
        raise


def _function(function, types, args, kwargs):
    if not all(issubclass(kind, (Tensor, np.ndarray)) and not hasattr(kind, "_baseclass") for kind in types):
        return NotImplemented  # the mask of a masked array would be lost
    module = (function.__module__ or "numpy").replace("numpy", "np", 1)
    args, kwargs = _positional_operands(f"{module}.{function.__name__}".removeprefix("np."), args, kwargs)
    if function in _WRITERS:
        keyword, kwargs = _WRITERS[function], dict(kwargs)
        target, rest = (kwargs.pop(keyword), args) if keyword in kwargs else (args[0], args[1:])
        return _write(function, f"{module}.{function.__name__}", target, rest, kwargs)
    if function is np.concatenate and isinstance(args[0], Tensor) and args[0].ndim == 2 and kwargs.get("axis") == -1:
        raise leaving.rows_for_blocks()
    return _call(
        counterpart_of(function),
        function,
        f"{module}.{function.__name__}",
        *_keyword_parameters(function, args, kwargs),
    )


def _call(counterpart, function, name, args, kwargs):
    """Call `counterpart` if it supports these arguments, and otherwise NumPy's `function` on plain arrays."""
    given = {_RENAMED.get(key, key): value for key, value in kwargs.items() if not _is_default(key, value)}
    if counterpart is not None:
        unsupported = [key for key in given if key not in _keywords(counterpart)]
        if not unsupported:
            return counterpart(*args, **given)
        if records((args, given)):
            raise leaving.no_numpy_argument(name, unsupported[0])
    out = kwargs.pop("out", None)
    result = function(*plain(args), **plain(kwargs))
    if out is not None:
        if records((args, kwargs, out)):
            raise leaving.no_numpy_argument(name, "out")
        return _write_out(out, result, name)
    if has_gradient(result) and records((args, kwargs)):
        raise leaving.no_numpy_rule(name)
    return _wrapped(result)


def _write_out(out, result, name):
    """Assign results to the arrays or Tensors in `out`. Checks all of them before it writes."""
    targets = out if isinstance(out, tuple) else (out,)
    pairs = zip(targets, result if isinstance(result, tuple) else (result,), strict=True)
    pairs = [(target, value) for target, value in pairs if target is not None]
    for target, value in pairs:
        if not np.can_cast(value.dtype, target.dtype, "same_kind"):
            raise errors.inplace_dtype(name, value.dtype, target.dtype)
        ends = zip(value.shape[::-1], target.shape[::-1], strict=False)
        if value.ndim > target.ndim or not all(n in (1, length) for n, length in ends):
            raise errors.inplace_shape(name, value.shape, target.shape)
    for target, value in pairs:
        target[...] = value
    return targets[0] if len(targets) == 1 else targets


def _write(function, name, target, args, kwargs):
    """Call a NumPy function that writes into `target`. A write to a Tensor is complete or not done, and is counted."""
    if records((args, kwargs)):
        raise leaving.no_numpy_write(name)
    if not isinstance(target, Tensor):
        return function(target, *plain(args), **plain(kwargs))
    if records(target):
        raise errors.leaf_written() if target.is_leaf else leaving.no_numpy_write(name)
    array = target.detach().numpy().copy()
    function(array, *plain(args), **plain(kwargs))
    target[...] = array
    return None


def _is_masked(x):
    return isinstance(x, np.ndarray) and hasattr(x, "_baseclass")


def _masked(ufunc, method, name, inputs, kwargs):
    """Call NumPy's function for masked arrays on constants, because `_call` would lose the mask."""
    if records((inputs, kwargs)):
        raise leaving.no_numpy_rule(name)
    function = getattr(np.ma, ufunc.__name__, None)
    if function is None or kwargs.pop("out") is not None:
        return NotImplemented
    return getattr(function, method)(*plain(inputs), **plain(kwargs))


def array(self, dtype=None, copy=None):
    """`__array__`: returns the values, read-only and shared if possible. Raises if a gradient would be lost."""
    if records(self):
        raise leaving.not_an_array(self.op)
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


def _wrapped(value):
    """Convert arrays in `value` to Tensors, unless a Tensor does not support their dtype."""
    if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
        return type(value)(map(_wrapped, value))
    if isinstance(value, (np.ndarray, np.generic)) and not _is_masked(value) and value.dtype.char in "?bhilqBHILQfdFD":
        return asarray(value)
    return value


def _is_default(key, value):
    """Return whether a keyword argument has its default value in NumPy."""
    if value is None or value is np._NoValue:
        return key != "axis"
    return isinstance(value, (bool, str)) and _DEFAULTS.get(key) == value


def _keywords(counterpart):
    """Return the keywords of a function of fastgrad."""
    rule = getattr(counterpart, "rule", None)
    if rule is not None:
        return {*rule.param_names, *rule.operand_names, *rule.synonyms}
    code = counterpart.__code__
    return set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _positional_operands(name, args, kwargs):
    """Move operands that were passed by keyword to the positional arguments, for functions in `_OPERANDS`."""
    kwargs = dict(kwargs)
    for keyword in _OPERANDS.get(name, ())[len(args) :]:
        if keyword not in kwargs:
            break
        args = (*args, kwargs.pop(keyword))
    return args, kwargs


def _keyword_parameters(function, args, kwargs):
    """Pass all arguments after the operands by keyword, if NumPy's function has a Python signature."""
    code = getattr(getattr(function, "__wrapped__", None), "__code__", None)
    rule = getattr(counterpart_of(function), "rule", None)
    if code is None or code.co_flags & 0x04 or counterpart_of(function) is None:
        return args, dict(kwargs)
    operands = max(rule.n_operands if rule is not None and not rule.variadic else 1, code.co_posonlyargcount)
    names = code.co_varnames[: code.co_argcount]
    kwargs = {**dict(zip(names[len(args[:operands]) :], args[operands:], strict=False)), **kwargs}
    for name in names[len(args) : operands]:
        if name in kwargs:
            args += (kwargs.pop(name),)
    return args[:operands], kwargs


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
