"""NumPy's protocols: how `np.tanh(t)`, `np.sum(t, axis=0)`, `np.asarray(t)` and DLPack meet a Tensor. Knows no engine.

A NumPy function that fastgrad has too is recorded as fastgrad's. Any other runs on the plain arrays, unless that
would lose a gradient. The tables are built at the first call, from the public functions and from what each rule says of
NumPy's.
"""

import sys

import numpy as np

from fastgrad import errors, leaving
from fastgrad._engine import Tensor, asarray
from fastgrad.functions import constants, products, shapes
from fastgrad.functions.arguments import has_gradient, plain, records
from fastgrad.rules import FUNCTIONS, RULES

_table = {}  # NumPy function -> fastgrad function
_RENAMED = {"a_min": "min", "a_max": "max", "newshape": "shape"}
_DEFAULTS = {"casting": "same_kind", "order": "K", "subok": True, "where": True, "keepdims": False}
_REDUCTIONS = {
    (np.add, "reduce"): np.sum, (np.multiply, "reduce"): np.prod, (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min, (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}  # fmt: skip


# NumPy's functions that write into an argument: its name. The first, by position.
_WRITERS = {
    np.copyto: "dst", np.put: "a", np.place: "arr", np.putmask: "a", np.fill_diagonal: "a", np.put_along_axis: "arr",
}  # fmt: skip


# Further names in NumPy of functions of ours, and how functions that do not tell call their operands.
_ALSO = {
    "linalg.outer": "outer", "linalg.matmul": "matmul", "linalg.tensordot": "tensordot", "linalg.vecdot": "vecdot",
    "linalg.matrix_transpose": "matrix_transpose",
}  # fmt: skip
_OPERANDS = {
    "dot": ("a", "b"), "concatenate": ("arrays",), "linalg.matrix_transpose": ("x",),
}  # fmt: skip


def _divmod(x1, x2, /):
    return divmod(x1, x2) if hasattr(x1, "requires_grad") else x2.__rdivmod__(x1)


def _where(condition, *choices):
    """`np.where`, which of the condition alone gives the places where it holds."""
    return FUNCTIONS["where"](condition, *choices) if choices else constants.nonzero(condition)


# SciPy's ufuncs that are ops of ours, by name.
_OF_SCIPY = {"expit": "sigmoid", "log_expit": "logsigmoid"} | {
    name: name for name in ("expm1", "log1p", "exp2", "erf", "erfc")
}


def _foreign(ufunc):
    """Our op for a ufunc of SciPy, or None, and how it is called."""
    name = ufunc.__name__
    if getattr(np, name, None) is ufunc:
        return None, f"np.{name}"
    special = sys.modules.get("scipy.special")
    if special is None or getattr(special, name, None) is not ufunc:
        return None, name
    return FUNCTIONS.get(_OF_SCIPY.get(name)), f"scipy.special.{name}"


def recording_functions():
    """The public functions that are not rules and whose results record: they answer NumPy's of the same names.

    Functions that return constants are not among them: NumPy's own is used, and refused where a gradient would be lost.
    """
    found = {name: value for name, value in vars(constants).items() if name.endswith("_like")}
    for family in (shapes, products):
        for name, value in vars(family).items():
            if name[0] != "_" and getattr(value, "__module__", None) == family.__name__:
                found[name] = value
    return found


def table():
    """NumPy's functions that fastgrad answers, with its answers."""
    if not _table:
        spelled = dict(recording_functions())
        for name, rule in RULES.items():
            spelled |= dict.fromkeys(rule.numpy_names, spelled.get(name) or FUNCTIONS[name])
        spelled |= {name: spelled.get(word) or FUNCTIONS[word] for name, word in _ALSO.items()}
        spelled |= {"divmod": _divmod, "where": _where}
        found = {}
        for name, answer in spelled.items():
            theirs = np
            for part in name.split("."):
                theirs = getattr(theirs, part, None)
            if theirs is not None:
                found[theirs] = answer
        _table.update(found)  # at once: another thread may be reading
    return _table


def array_ufunc(self, ufunc, method, *inputs, out=None, **kwargs):
    """`__array_ufunc__`: calls, and the reductions that fastgrad has as functions, are recorded."""
    foreign, name = _foreign(ufunc)
    name = name if method == "__call__" else f"{name}.{method}"
    if method == "at":
        return _write(ufunc.at, name, inputs[0], inputs[1:], kwargs)
    if any(_is_masked(x) for x in inputs):
        return _masked(ufunc, method, name, inputs, {**kwargs, "out": out})
    answer = table().get(ufunc, foreign) if method == "__call__" else table().get(_REDUCTIONS.get((ufunc, method)))
    if answer is not None and method != "__call__":
        kwargs.setdefault("axis", 0)  # a ufunc reduces its first axis, a function all
    return _answer(answer, getattr(ufunc, method), name, inputs, {**kwargs, "out": out})


def array_function(self, function, types, args, kwargs):
    """`__array_function__`: what fastgrad has too is recorded, anything else runs on the plain arrays."""
    if not all(issubclass(kind, (Tensor, np.ndarray)) and not hasattr(kind, "_baseclass") for kind in types):
        return NotImplemented  # of a masked array the mask would be lost
    module = (function.__module__ or "numpy").replace("numpy", "np", 1)
    args, kwargs = _words_as_places(f"{module}.{function.__name__}".removeprefix("np."), args, kwargs)
    if function in _WRITERS:
        word, kwargs = _WRITERS[function], dict(kwargs)
        target, rest = (kwargs.pop(word), args) if word in kwargs else (args[0], args[1:])
        return _write(function, f"{module}.{function.__name__}", target, rest, kwargs)
    if function is np.concatenate and isinstance(args[0], Tensor) and args[0].ndim == 2 and kwargs.get("axis") == -1:
        raise leaving.rows_for_blocks()
    return _answer(table().get(function), function, f"{module}.{function.__name__}", *_by_name(function, args, kwargs))


def _answer(answer, function, name, args, kwargs):
    """Fastgrad's `answer` to NumPy's `function` if it takes these arguments, otherwise NumPy's on the plain arrays."""
    said = {_RENAMED.get(key, key): value for key, value in kwargs.items() if not _is_default(key, value)}
    if answer is not None:
        beyond = [key for key in said if key not in _keywords(answer)]
        if not beyond:
            return answer(*args, **said)
        if records((args, said)):
            raise leaving.no_numpy_argument(name, beyond[0])
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
    """Put results where `out=` wants them: into arrays, or into Tensors through their own door. All, or none."""
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
    """A NumPy function that writes into its first argument: all of it or nothing, and a Tensor counts it."""
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
    """NumPy's function for masked arrays on constants: `_answer` would lose the mask."""
    if records((inputs, kwargs)):
        raise leaving.no_numpy_rule(name)
    function = getattr(np.ma, ufunc.__name__, None)
    if function is None or kwargs.pop("out") is not None:
        return NotImplemented
    return getattr(function, method)(*plain(inputs), **plain(kwargs))


def array(self, dtype=None, copy=None):
    """`__array__`: the values, read-only and shared where possible; refused while a gradient would be lost."""
    if records(self):
        raise leaving.not_an_array(self.op)
    return np.array(self.detach().numpy(), dtype=dtype, copy=copy)


def buffer(self, flags):
    """`__buffer__`: a read-only view of the memory, on Python 3.12 and later."""
    if records(self):
        raise leaving.not_an_array(self.op)
    return memoryview(self.detach().numpy())


def dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """`__dlpack__`: the memory for another library, read-only if that library can be told so."""
    if records(self):
        raise leaving.not_an_array(self.op)
    if max_version is None or max_version < (1, 0) or np.lib.NumpyVersion(np.__version__) < "2.1.0":
        # The old protocol has no read-only: the consumer may write, and the graph has to beware of it.
        shared = self.detach().numpy(writable=True)
        return shared.__dlpack__(stream=stream)
    shared = self.detach().numpy(writable=bool(copy))
    return shared.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)


def dlpack_device(self):
    """`__dlpack_device__`: the CPU."""
    return 1, 0


def array_namespace(self, *, api_version=None):
    """`__array_namespace__`: the module with the array functions."""
    return sys.modules["fastgrad"]


def _wrapped(value):
    """`value` with every array that a Tensor can hold made one."""
    if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
        return type(value)(map(_wrapped, value))
    if isinstance(value, (np.ndarray, np.generic)) and not _is_masked(value) and value.dtype.char in "?bhilqBHILQfdFD":
        return asarray(value)
    return value


def _is_default(key, value):
    """Whether a keyword only says what NumPy does anyway."""
    if value is None or value is np._NoValue:
        return key != "axis"
    return isinstance(value, (bool, str)) and _DEFAULTS.get(key) == value


def _keywords(answer):
    """The keywords that a function of ours takes."""
    rule = getattr(answer, "rule", None)
    if rule is not None:
        return {*rule.param_names, *rule.operand_names, *rule.synonyms}
    code = answer.__code__
    return set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _words_as_places(name, args, kwargs):
    """Operands that were given by name, where NumPy's function is of C and does not say what it calls them."""
    words = _OPERANDS.get(name, ())
    kwargs = dict(kwargs)
    for word in words[len(args) :]:
        if word not in kwargs:
            break
        args = (*args, kwargs.pop(word))
    return args, kwargs


def _by_name(function, args, kwargs):
    """Arguments after the operands as keywords, where NumPy's function is Python and says how they are called."""
    code = getattr(getattr(function, "__wrapped__", None), "__code__", None)
    rule = getattr(table().get(function), "rule", None)
    if code is None or code.co_flags & 0x04 or function not in table():
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
