"""Methods of Tensor in PyTorch's spelling. Uses the public functions and methods; `METHODS` is installed when needed.

A method that is only another name is one row of `ALIASES`. Methods that end in `_` write in place, under the rules of
`x += y`: a leaf that requires a gradient is written under `no_grad()` only.
"""

import numpy as np

from fastgrad import devices, errors, parameters
from fastgrad._engine import Tensor, asarray, no_grad
from fastgrad._lazy import lazy_module
from fastgrad.foreign import reductions, values
from fastgrad.foreign.values import lengths
from fastgrad.functions import constants, joining, products, selecting, shapes
from fastgrad.functions.arguments import one_axis
from fastgrad.rules.rule import FUNCTIONS

fill = lazy_module("fastgrad.foreign.inplace")
graph = lazy_module("fastgrad.foreign.graph")
ndarray = lazy_module("fastgrad.foreign.ndarray")

# PyTorch's method -> the function that it is another name of.
_ALIASES = """
    unsqueeze=expand_dims clone=copy mm=matmul bmm=matmul mv=matmul  ger=outer multiply=multiply
    mul=multiply true_divide=divide neg=negative negative=negative pow=power remainder=remainder
    floor_divide=floor_divide eq=equal ne=not_equal lt=less le=less_equal gt=greater ge=greater_equal
    not_equal=not_equal greater=greater less=less maximum=maximum minimum=minimum logical_and=logical_and
    logical_or=logical_or logical_not=logical_not logical_xor=logical_xor acos=arccos asin=arcsin atan=arctan
    atan2=arctan2 arctan2=arctan2 acosh=arccosh asinh=arcsinh atanh=arctanh arccosh=arccosh arcsinh=arcsinh
    arctanh=arctanh exp2=exp2 log2=log2 log10=log10 logaddexp=logaddexp reciprocal=reciprocal erf=erf erfc=erfc
    hypot=hypot floor=floor ceil=ceil trunc=trunc round=round clamp=clip absolute=abs isnan=isnan isinf=isinf
    isfinite=isfinite isclose=isclose allclose=allclose equal=array_equal count_nonzero=count_nonzero amax=amax
    amin=amin median=median topk=topk tril=tril triu=triu diag=diag diagonal=diagonal trace=trace flip=flip
    roll=roll moveaxis=moveaxis movedim=moveaxis swapdims=swapaxes take_along_dim=take_along_axis
    logit=logit rsqrt=rsqrt argsort=argsort take=take
"""
ALIASES = dict(pair.split("=") for pair in _ALIASES.split())
METHODS = dict(values.METHODS)


def find(name):
    """Return the function that a row of `ALIASES` names."""
    for module in (shapes, joining, selecting, products, constants, reductions):
        if hasattr(module, name):
            return getattr(module, name)
    return FUNCTIONS.get(name) or globals()[name]


def _method(function):
    METHODS[function.__name__] = function
    return function


def _property(function):
    METHODS[function.__name__] = property(function)


def rsqrt(x):
    """Return `1 / sqrt(x)`."""
    return 1 / FUNCTIONS["sqrt"](x)


def logit(x, eps=None):
    """Return `log(x / (1 - x))`, of `x` limited to the interval from `eps` to `1 - eps` if `eps` is given."""
    x = asarray(x) if eps is None else FUNCTIONS["clip"](x, eps, 1 - eps)
    return FUNCTIONS["log"](x) - FUNCTIONS["log1p"](-x)


def _alias(name, target):
    function = find(target)

    def method(self, *args, **kwargs):
        return values.renamed(name, target, function, (self, *args), kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Alias of `fg.{target}` of this tensor, as PyTorch spells it."
    method.alias_of = target
    METHODS[name] = method


for _name, _target in ALIASES.items():
    _alias(_name, _target)


# --- shapes ---


@_method
def unbind(self, dim=0):
    """Return the subarrays along an axis, as a tuple. PyTorch's name of `fg.unstack`."""
    return joining.unstack(self, axis=dim)


@_method
def view_as(self, other):
    """Return the elements in the shape of `other`."""
    return self.reshape(other.shape)


METHODS["reshape_as"] = view_as


@_method
def permute(self, *dims):
    """Return a view with the axes in the order `dims`: `x.permute(1, 0)` or `x.permute((1, 0))`."""
    return shapes.permute_dims(self, lengths(dims))


@_method
def t(self):
    """Return the transpose of a matrix; a vector or a number unchanged."""
    if self.ndim > 2:
        raise errors.ShapeError(f"t() needs at most 2 dimensions, got shape {self.shape}: use x.mT or x.transpose()")
    return self.T


@_method
def expand(self, *sizes):
    """Return a read-only view broadcast to `sizes`, where -1 keeps the length of an axis."""
    sizes = parameters.shape(lengths(sizes))
    lead = len(sizes) - self.ndim
    sizes = tuple(self.shape[k - lead] if n == -1 and k >= lead else n for k, n in enumerate(sizes))
    return shapes.broadcast_to(self, sizes)


@_method
def expand_as(self, other):
    """Return a read-only view broadcast to the shape of `other`."""
    return shapes.broadcast_to(self, other.shape)


@_method
def contiguous(self):
    """Return the tensor, or a copy in C order if its elements are not in that order."""
    return self if self.is_contiguous() else self.copy()


@_method
def is_contiguous(self):
    """Return whether the elements are in C order without gaps."""
    return self.detach().numpy().flags.c_contiguous


@_method
def unflatten(self, dim, sizes):
    """Return a view in which the axis `dim` is split into axes of lengths `sizes`."""
    dim = one_axis("unflatten", dim, self.ndim)
    return self.reshape((*self.shape[:dim], *sizes, *self.shape[dim + 1 :]))


def _count(op, name, value):
    """Return an int of at least 1."""
    value = parameters.integer(value)
    if value < 1:
        raise errors.BadSetting(f"{op}: {name} must be at least 1, got {value}")
    return value


@_method
def split(self, split_size, dim=0):
    """Return parts of length `split_size`, or of the given lengths. `fg.split` takes the number of parts."""
    dim = one_axis("split", dim, self.ndim)
    if hasattr(type(split_size), "__iter__"):
        cuts = np.cumsum(parameters.integers(split_size))[:-1].tolist()
    else:
        cuts = list(range(_count("split", "split_size", split_size), self.shape[dim], split_size))
    return tuple(joining.split(self, cuts, dim))


@_method
def chunk(self, chunks, dim=0):
    """Return at most `chunks` parts along `dim`, all of the same length except the last one."""
    n = self.shape[one_axis("chunk", dim, self.ndim)]
    return self.split(max(-(-n // _count("chunk", "chunks", chunks)), 1), dim)


@_method
def narrow(self, dim, start, length):
    """Return the view of `length` elements from `start` along `dim`."""
    dim = one_axis("narrow", dim, self.ndim)
    return self[(*(slice(None),) * dim, slice(start, start + length))]


@_method
def select(self, dim, index):
    """Return the subtensor at `index` along `dim`."""
    return self[(*(slice(None),) * one_axis("select", dim, self.ndim), index)]


# --- sizes and facts ---


@_method
def numel(self):
    """Return the number of elements, `x.size`."""
    return int(self.size)


@_method
def dim(self):
    """Return the number of axes, `x.ndim`."""
    return self.ndim


METHODS["nelement"], METHODS["ndimension"] = numel, dim


@_method
def element_size(self):
    """Return the bytes of one element, `x.itemsize`."""
    return self.itemsize


@_method
def is_floating_point(self):
    """Return whether the dtype is float32 or float64."""
    return self.dtype.kind == "f"


@_method
def is_complex(self):
    """Return whether the dtype is complex."""
    return self.dtype.kind == "c"


@_property
def is_cuda(self):
    """Always False."""
    return False


@_property
def data(self):
    """The values without the graph, `x.detach()`. Writes to it are counted, so that a later `backward` notices them."""
    return self.detach()


def _set_data(self, value):
    value = asarray(value).detach()
    if value.shape != self.shape:
        raise errors.inplace_shape("x.data = value", value.shape, self.shape)
    if value.dtype != self.dtype:
        raise errors.inplace_dtype("x.data = value", value.dtype, self.dtype)
    ours, theirs = self.detach().numpy(), value.numpy()
    if theirs.ctypes.data != ours.ctypes.data or theirs.strides != ours.strides:  # x.data -= y has written already
        with no_grad():
            self[...] = value


METHODS["data"] = METHODS["data"].setter(_set_data)


@_property
def grad_fn(self):
    """The node of a result, with `name()` and `next_functions`; None for a leaf. See `x.op` and `x.operands`."""
    return graph.GradFn(self) if self.op is not None else None


# --- dtypes and devices ---


def _to_dtype(name, dtype):
    def convert(self):
        return self.astype(dtype, copy=False)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"Return the tensor in {np.dtype(dtype).name}: `x.astype`."
    METHODS[name] = convert


for _name, _dtype in {
    "float": np.float32, "double": np.float64, "long": np.int64, "int": np.int32, "short": np.int16, "char": np.int8,
    "byte": np.uint8, "bool": np.bool_, "cfloat": np.complex64, "cdouble": np.complex128,
}.items():  # fmt: skip
    _to_dtype(_name, _dtype)


def _type(self, dtype=None):
    """Return the tensor in another dtype; without an argument, the name of its dtype."""
    if dtype is None:
        return self.dtype.name
    if isinstance(dtype, str):  # "torch.FloatTensor"
        dtype = dtype.rpartition(".")[2]
        dtype = {"FloatTensor": "float32", "DoubleTensor": "float64", "LongTensor": "int64"}.get(dtype, dtype)
    return self.astype(np.dtype(getattr(dtype, "of_dtype", dtype)), copy=False)


_type.__name__ = _type.__qualname__ = "type"
METHODS["type"] = _type


@_method
def type_as(self, other):
    """Return the tensor in the dtype of `other`."""
    return self.astype(other.dtype, copy=False)


@_method
def to(self, *args, dtype=None, device=None, copy=False, non_blocking=False, memory_format=None):
    """Return the tensor in another dtype. The only device is the CPU.

    Parameters
    ----------
    *args, dtype, device : dtype, device or Tensor
        A Tensor stands for its dtype.
    copy : bool
        Whether to copy if nothing changes.
    non_blocking, memory_format : any
        Ignored.

    Raises
    ------
    DeviceError
        If another device than the CPU is requested.
    """
    for arg in args:
        if isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, str) and not devices.is_dtype(arg):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            dtype = np.dtype(arg)
    devices.check(device)
    if dtype is not None and np.dtype(dtype) != self.dtype:
        return self.astype(dtype)
    return self.copy() if copy else self


@_method
def cpu(self):
    """Return the tensor itself: the CPU is the only device."""
    return self


@_method
def cuda(self, device=None):
    """Raise DeviceError: the CPU is the only device."""
    devices.check("cuda")


@_method
def pin_memory(self):
    """Return the tensor itself."""
    return self


def install():
    """Return all methods, with those of `inplace` and `ndarray`, by name."""
    return {**METHODS, **fill.METHODS, **ndarray.METHODS}
