"""Methods of Tensor that are plain Python on top of the public functions. Does not use internals of an engine.

`METHODS` maps names to functions and properties, which both engines install on their Tensor class.
"""

import operator
import sys

import numpy as np

from fastgrad import devices, errors, leaving, parameters, shape_methods
from fastgrad._engine import (
    Tensor,
    guard,
    is_capturing,
    is_parameter,
    is_traced,
    leave,
    mark_parameter,
    reached_inputs,
    tensor,
)
from fastgrad._lazy import lazy_module
from fastgrad.batching import Batched
from fastgrad.functions import constants, shapes
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tracebacks import shorten

unpacking = lazy_module("fastgrad.foreign.unpacking")

METHODS = dict(shape_methods.METHODS)


def _fn(name):
    """Return the public function of that name."""
    return getattr(shapes, name, None) or getattr(constants, name, None) or FUNCTIONS[name]


def _method(function):
    METHODS[function.__name__] = function
    return function


def _property(function):
    METHODS[function.__name__] = property(function)


def _named(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    METHODS[name] = function


# --- the public functions, as methods ---


def _delegate(name):
    function = _fn(name)

    def method(self, *args, **kwargs):
        try:
            return function(self, *args, **kwargs)
        except Exception as error:
            shorten(error)
            raise

    _named(method, name, f"`fg.{name}` of this tensor.")


_DELEGATED = """
    exp log log1p expm1 sqrt square sin cos tan sinh cosh tanh arcsin arccos arctan abs sign sigmoid relu softplus clip
    sum mean prod var std max min argmax argmin any all cumsum cumprod logsumexp softmax log_softmax
    ravel permute_dims swapaxes squeeze expand_dims broadcast_to matmul dot outer conj
"""

for _name in _DELEGATED.split():
    _delegate(_name)


@_method
def astype(self, dtype, *, copy=True):
    """Return the values in another dtype.

    Parameters
    ----------
    dtype : dtype
    copy : bool
        If False, the tensor itself is returned if it has this dtype.

    Raises
    ------
    DTypeError
        If a Tensor cannot hold the dtype.
    """
    return self if not copy and self.dtype == np.dtype(dtype) else FUNCTIONS["astype"](self, np.dtype(dtype))


@_method
def copy(self, order="C"):
    """Return a copy, recorded. Its elements are in C order.

    Parameters
    ----------
    order : {"C", "F", "A", "K"}
        NumPy's parameter. It does not change the order of the elements in memory.
    """
    if order not in ("C", "F", "A", "K"):
        raise ValueError(f'copy: order must be "C", "F", "A" or "K", got {order!r}')
    return FUNCTIONS["copy"](self)


@_property
def T(self):
    """The tensor with its axes reversed."""
    return self.transpose()


@_property
def mT(self):
    """The tensor with its last two axes swapped: the transpose of each matrix of a stack."""
    try:
        return shapes.matrix_transpose(self)
    except Exception as error:
        shorten(error)
        raise


def _real(self):
    """The real part, a view; the tensor itself if it is real. Assignment writes to the tensor."""
    return FUNCTIONS["real"](self) if self.dtype.kind == "c" else self


def _set_real(self, value):
    _real(self)[...] = value


def _imag(self):
    """The imaginary part, a view; read-only zeros if the tensor is real. Assignment writes to the tensor."""
    return FUNCTIONS["imag"](self)


def _set_imag(self, value):
    _imag(self)[...] = value


METHODS["real"] = property(_real, _set_real)
METHODS["imag"] = property(_imag, _set_imag)


@_property
def device(self):
    """Always `fg.device("cpu")`, which equals the string "cpu"."""
    return devices.CPU


@_method
def to_device(self, device, /, *, stream=None):
    """Return the tensor itself: the CPU is the only device.

    Parameters
    ----------
    device : "cpu"
    stream : None
        The CPU has no streams.

    Raises
    ------
    DeviceError
        If another device is requested.
    """
    devices.check(device)
    if stream is not None:
        raise devices.DeviceError(f"to_device: the CPU has no streams, got {stream!r}: omit stream=")
    return self


# --- operators ---


_OPERANDS = (np.ndarray, np.generic, bool, int, float, complex, list, tuple)


def _fits(self, other, slot=None):
    """Return whether `other` can be an operand; if not, Python tries the operator of its class."""
    kind = type(other)
    if kind is type(self):
        return True
    if isinstance(other, _OPERANDS):
        return slot is None or not parameters.own_operator(other, slot)
    if isinstance(other, (Tensor, Batched)):
        return True
    ufunc = getattr(kind, "__array_ufunc__", ...)
    if ufunc is None or (ufunc is not ... and slot is not None and hasattr(kind, f"__r{slot}__")):
        return False  # an array-like with operators of its own, as of xarray
    return hasattr(kind, "__array__") or hasattr(kind, "__dlpack__")


def _binary(slot, op):
    function = _fn(op)

    def forth(self, other):
        try:
            return function(self, other) if _fits(self, other, slot) else NotImplemented
        except Exception as error:
            shorten(error)
            raise

    def back(self, other):
        if slot == "mul" and isinstance(other, np.matrix):
            return FUNCTIONS["matmul"](other, self)
        return function(other, self) if _fits(self, other, slot) else NotImplemented

    def inplace(self, other):
        if not _fits(self, other):
            return NotImplemented
        result = function(self, other)
        if result.shape != self.shape:
            raise errors.inplace_shape(op, result.shape, self.shape)
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise errors.inplace_dtype(op, result.dtype, self.dtype)
        self[...] = result
        return self

    _named(forth, f"__{slot}__", f"`fg.{op}(self, other)`.")
    _named(back, f"__r{slot}__", f"`fg.{op}(other, self)`.")
    _named(inplace, f"__i{slot}__", f"`fg.{op}(self, other)`, written to this tensor.")


def _compare(slot, op):
    function = _fn(op)

    def compare(self, other):
        if isinstance(other, np.ndarray) and getattr(type(other), f"__{slot}__") is not getattr(
            np.ndarray, f"__{slot}__"
        ):
            return NotImplemented
        return function(self, other) if _fits(self, other) else NotImplemented

    _named(compare, f"__{slot}__", f"`fg.{op}(self, other)`: a tensor of booleans.")


def _unary(slot, op):
    function = _fn(op)
    _named(lambda self: function(self), f"__{slot}__", f"`fg.{op}(self)`.")


for _slot, _op in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}.items():  # fmt: skip
    _binary(_slot, _op)
for _slot, _op in {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    _compare(_slot, _op)
for _slot, _op in {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}.items():
    _unary(_slot, _op)


def _divmod(self, other):
    if not _fits(self, other):
        return NotImplemented
    return FUNCTIONS["floor_divide"](self, other), FUNCTIONS["remainder"](self, other)


def _rdivmod(self, other):
    if not _fits(self, other):
        return NotImplemented
    return FUNCTIONS["floor_divide"](other, self), FUNCTIONS["remainder"](other, self)


_named(_divmod, "__divmod__", "Return the pair `(self // other, self % other)`.")
_named(_rdivmod, "__rdivmod__", "Return the pair `(other // self, other % self)`.")


# --- Python's protocols ---


@_method
def __round__(self, ndigits=None):
    """Return the tensor rounded to `ndigits` digits, by default to integers, as `fg.round` does."""
    return FUNCTIONS["round"](self, ndigits or 0)


@_method
def item(self, *index):
    """Return one element as a Python number.

    Parameters
    ----------
    *index : int, or one tuple of int, optional
        Needed if the tensor has several elements.

    Raises
    ------
    ScalarError
        If the tensor does not have exactly one element, and no index is given.
    NotDifferentiableError
        Inside a transform, if the tensor depends on an argument that is differentiated.
    """
    if not index and self.size != 1:
        raise errors.not_one_element("item()", self.shape)
    leave(self, "x.item()")
    return self.detach().numpy().item(*index)


@_method
def tolist(self):
    """Return the values as nested lists of Python numbers.

    Raises
    ------
    NotDifferentiableError
        Inside a transform, if the tensor depends on an argument that is differentiated.
    """
    leave(self, "x.tolist()")
    return self.detach().numpy().tolist()


def _number(kind):
    def convert(self):
        if self.size != 1:
            raise errors.not_one_element(f"{kind.__name__}(x)", self.shape)
        if kind in (float, complex):  # an integer or a boolean has no gradient to lose
            leave(self, f"{kind.__name__}(x)", True)
        if kind is bool and is_capturing():
            return guard(self)
        return kind(self.detach().item())

    _named(convert, f"__{kind.__name__}__", f"`{kind.__name__}(x)` of a tensor of one element.")


for _kind in (bool, int, float, complex):
    _number(_kind)


@_method
def __index__(self):
    if self.ndim or self.dtype.kind not in "iu":
        raise errors.not_an_index(self.dtype, self.shape)
    return operator.index(self.detach().item())


@_method
def __len__(self):
    if not self.ndim:
        raise errors.unsized("len()")
    return self.shape[0]


@_method
def __iter__(self):
    if not self.ndim:
        raise errors.unsized("iteration")
    unpacking.check(sys._getframe(1))
    return (self[k] for k in range(self.shape[0]))


@_method
def __contains__(self, value):
    return value in self.detach().numpy()


METHODS["__hash__"] = object.__hash__  # by identity, although == is elementwise


@_method
def __format__(self, spec):
    if not spec:
        return str(self)
    if self.size != 1:
        raise errors.bad_format(spec, self.shape)
    return format(self.detach().item(), spec)


# --- copies ---


def _leaf(array, requires_grad, grad, parameter=False):
    """Return a leaf from the parts of a copied or pickled one."""
    made = tensor(array, requires_grad=requires_grad)
    if parameter:
        mark_parameter(made)
    made.grad = None if grad is None else tensor(grad)
    return made


def _parts(self, how):
    leave(self, how)
    if not self.is_leaf:
        raise errors.not_copied(how, self.op)
    if self.requires_grad and reached_inputs((self,), (self,))[1]:
        leaving.hooks_dropped(how)
    grad = None if self.grad is None else self.grad.detach().numpy()
    return self.detach().numpy(), self.requires_grad, grad, is_parameter(self)


@_method
def __copy__(self):
    """Return a new leaf without a gradient; for a result, or an input of a transform, a recorded copy."""
    if self.is_leaf and not is_traced(self):
        return _leaf(self.detach().numpy(), self.requires_grad, None, is_parameter(self))
    return self.copy()


@_method
def __deepcopy__(self, memo):
    made = memo[id(self)] = _leaf(*_parts(self, "copy.deepcopy"))
    return made


@_method
def __reduce_ex__(self, protocol):
    array, requires_grad, grad, parameter = _parts(self, "pickle")
    rest = (parameter,) if parameter else ()  # omitted for other leaves, as in pickles of earlier versions
    return _leaf, (np.array(array), requires_grad, None if grad is None else np.array(grad), *rest)
