"""The methods of `Batched`, the Tensor that a function gets inside vmap: those of Tensor, and errors.

Methods that are Python functions on top of the public functions are Tensor's own. What turns a value into a plain
number or an array raises, since the batch has many of them.
"""

import functools

import numpy as np

from fastgrad import batching
from fastgrad._engine import Tensor
from fastgrad._lazy import lazy_module
from fastgrad.batching import Batched, Part
from fastgrad.errors import VmapError
from fastgrad.protocols import PROTOCOLS, array_ufunc
from fastgrad.rules import keys
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tensor_methods import METHODS
from fastgrad.tracebacks import shorten

counterparts = lazy_module("fastgrad.counterparts")
_USUAL = (Batched, Tensor, np.ndarray, float)
_ALL = slice(None)
_NOT_BATCHED = "the value differs between the elements of the batch"


def _property(compute):
    setattr(Batched, compute.__name__, property(compute))


def _method(function):
    setattr(Batched, function.__name__, function)


@_property
def shape(self):
    """The shape of one element."""
    return self.value.shape[1:]


@_property
def ndim(self):
    """The number of axes of one element."""
    return self.value.ndim - 1


@_property
def size(self):
    """The number of numbers in one element."""
    n = 1
    for length in self.shape:
        n *= length
    return n


@_property
def dtype(self):
    """The dtype of the numbers."""
    return self.value.dtype


@_property
def itemsize(self):
    """The number of bytes of one number."""
    return self.dtype.itemsize


@_property
def nbytes(self):
    """The number of bytes of one element."""
    return self.size * self.dtype.itemsize


@_property
def strides(self):
    """The strides of one element."""
    return self.value.strides[1:]


@_property
def requires_grad(self):
    """Whether ops on the value are recorded."""
    return self.value.requires_grad


@_property
def is_leaf(self):
    """Whether ops on the value are not recorded; a batch that requires a gradient is no leaf."""
    return not self.value.requires_grad


@_property
def op(self):
    """The name of the op that computed the batch."""
    return self.value.op


@_property
def operands(self):
    """Nothing: the graph consists of the values of the whole batch."""
    return ()


@_property
def grad(self):
    """None: gradients inside vmap are taken by `fg.grad` and its relatives."""
    return None


@_method
def detach(self):
    """Return the value apart from its graph."""
    return Batched(self.value.detach(), self.level)


# --- ufuncs


@functools.cache
def _counterpart(ufunc):
    """Return fastgrad's op for a ufunc, if a batch needs nothing but operands of one rank, or else None."""
    function = None if counterparts.numpy_function(ufunc) is None else counterparts.counterpart_of(ufunc)
    rule = getattr(function, "rule", None)
    return function if rule is not None and rule.aligns and rule.n_operands == ufunc.nin else None


@_method
def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
    """As of Tensor; without the general way, which takes 8 us, where the values are of the usual types."""
    function = None if kwargs or method != "__call__" else _counterpart(ufunc)
    if function is None or not all(type(x) in _USUAL for x in inputs):
        return array_ufunc(self, ufunc, method, *inputs, **kwargs)
    try:
        return function(*inputs)
    except Exception as error:
        shorten(error)
        raise


# --- writes


@_method
def __getitem__(self, key):
    parts = key if type(key) is tuple else (key,)
    for part in parts:
        if type(part) is not int and type(part) is not slice:
            return FUNCTIONS["getitem"](self, key)
    try:  # numbers and slices leave the axes in their order; an element is a copy, as for one array
        y = self.value[(_ALL, *parts)]
        return Batched(y if y.ndim > 1 else y.copy(), self.level)
    except Exception as error:
        shorten(error)
        raise


@_method
def __setitem__(self, key, value):
    try:
        _assign(self, key, value)
    except Exception as error:
        shorten(error)
        raise


def _assign(x, key, value):
    level = batching.innermost((value, key))
    if level is not None and level.number > x.level.number:
        raise batching.not_batched()
    operands, params = FUNCTIONS["setitem"].rule.bind((x, value), {"key": key})
    batch = type(value) is Batched and value.level is x.level
    key = params["key"]
    value = value.value if batch else operands[1]
    if batching.holds(key):
        key = batching.parts(key, x.level)
    if type(key) is Part and key.value.dtype.kind == "b":
        x.value[...] = keys.setitem((x.value, value), (True, batch), {"key": key}, x.level.size)
        return
    made = keys.BatchKey(key, x.ndim, True, x.level.size)
    x.value[made.key] = made.for_value(value, batch)


# --- what vmap refuses


def _refused(name, call, remedy):
    def refuse(self, *args, **kwargs):
        raise VmapError(f"{call} inside vmap: {_NOT_BATCHED}{remedy}")

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = "Raise `VmapError`."
    setattr(Batched, name, refuse)


_ARRAYS = ": use the functions of fastgrad or NumPy on the Tensor, or compute it outside of vmap"
for _name, _call, _remedy in (
    ("__bool__", "bool(x)", ", so that `if`, `while`, `and` and `or` cannot decide: use fg.where(condition, a, b)"),
    ("__float__", "float(x)", _ARRAYS), ("__int__", "int(x)", _ARRAYS), ("__complex__", "complex(x)", _ARRAYS),
    ("__index__", "an index, a length or a count", ": only x[i] takes indices that differ; compute others outside"),
    ("__array__", "an array of x", _ARRAYS), ("__buffer__", "memoryview(x)", _ARRAYS),
    ("__dlpack__", "x.__dlpack__()", _ARRAYS), ("__contains__", "value in x", ": use (x == value).any()"),
    ("numpy", "x.numpy()", _ARRAYS), ("item", "x.item()", _ARRAYS), ("tolist", "x.tolist()", _ARRAYS),
    ("__deepcopy__", "copy.deepcopy(x)", ": use x.copy()"), ("__reduce_ex__", "pickle", _ARRAYS),
    ("backward", "x.backward()", ": use fg.grad or fg.vjp, inside vmap or around it"),
    ("requires_grad_", "x.requires_grad_()", ": use fg.grad or fg.vjp, inside vmap or around it"),
    ("retain_grad", "x.retain_grad()", ": use fg.grad or fg.vjp, inside vmap or around it"),
    ("register_hook", "x.register_hook()", ": use fg.grad or fg.vjp, inside vmap or around it"),
    ("zero_grad", "x.zero_grad()", ": use fg.grad or fg.vjp, inside vmap or around it"),
):  # fmt: skip
    _refused(_name, _call, _remedy)


@_method
def __repr__(self):
    """Return the shape and dtype of one element, and the number of elements."""
    return f"<tensor of vmap: shape {self.shape}, {self.dtype}, {self.level.size} elements>"


@_method
def __format__(self, spec):
    return repr(self)


@_method
def __copy__(self):
    return self.copy()


def _further(self, name):
    attribute = vars(Tensor).get(name)
    if attribute is None or name.startswith("__"):
        return object.__getattribute__(self, name)  # raises
    return attribute.__get__(self, Tensor)


Batched.__getattr__ = _further
for _name, _attribute in {**METHODS, **PROTOCOLS}.items():
    if _name not in vars(Batched) and _name not in ("__new__",):
        setattr(Batched, _name, _attribute)
Batched.__hash__ = object.__hash__
Batched.stands_for = Tensor
