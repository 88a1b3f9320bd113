"""fastgrad: eager automatic differentiation for NumPy-sized work.

    >>> import fastgrad as fg
    >>> x = fg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0, 6.0]
    >>> fg.grad(lambda x: x * x)(3.0)
    6.0
"""  # fmt: skip
# ruff: noqa: E402, I001  grouped by topic, and imported while the garbage collector is paused
# fmt: off

import sys

from fastgrad._collector import Pause

if sys.argv[:1] == ["-m"]:  # `python -m`, whose module has not been found yet
    from fastgrad import _interrupt

    _interrupt.begin()

_pause = Pause()

# Before the modules that need it: deeper in the stack of imports, its own take up to a third longer (CPython 3.11
# allocates a piece of stack at each call that crosses the end of the last one).
import numpy

from fastgrad import _assemble, _families

# the tensor and its graph
from fastgrad._engine import Tensor, asarray, detect_anomaly, enable_grad, gradients, is_grad_enabled, no_grad, tensor
from fastgrad._engine import name as engine
from fastgrad.errors import AnomalyError, BackwardError, DTypeError, FastgradError, GraphFreedError, MutationError
from fastgrad.devices import DeviceError, device
from fastgrad.errors import GradientWarning, IndexingError, NotDifferentiableError, PyTorchSpellingWarning, ShapeError
from fastgrad.errors import VmapError

# memory of results, cached for later results
from fastgrad._engine import cache_info, clear_cache, set_cache_limit

# native threads of kernels
from fastgrad._engine import get_num_threads, set_num_threads

# dtypes and constants
from numpy import bool_ as bool
from numpy import complex64, complex128, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64
from numpy import e, inf, nan, newaxis, pi

# array creation
from fastgrad.functions.constants import arange, empty, empty_like, eye, full, full_like, linspace, ones, ones_like
from fastgrad.functions.constants import zeros, zeros_like
from fastgrad.functions.shapes import meshgrid

# elementwise functions
from fastgrad.rules.arithmetic import add, ceil, divide, floor, floor_divide, multiply, negative, positive, power
from fastgrad.rules.arithmetic import reciprocal, remainder, round, sqrt, square, subtract, trunc
from fastgrad.rules.comparison import abs, clip, copysign, maximum, minimum, nextafter, sign, where
from fastgrad.rules.complex import angle, conj, imag, real
from fastgrad.rules.erf import erf, erfc
from fastgrad.rules.exponential import exp, exp2, expm1, log, log1p, log2, log10, logaddexp
from fastgrad.rules.hyperbolic import arccosh, arcsinh, arctanh, cosh, sinh, tanh
from fastgrad.rules.logic import equal, greater, greater_equal, less, less_equal, not_equal, signbit
from fastgrad.rules.trigonometric import arccos, arcsin, arctan, arctan2, cos, hypot, sin, tan
from fastgrad.functions.constants import bitwise_and, bitwise_invert, bitwise_left_shift, bitwise_or
from fastgrad.functions.constants import bitwise_right_shift, bitwise_xor, isclose, isfinite, isinf, isnan, logical_and
from fastgrad.functions.constants import logical_not, logical_or, logical_xor

# reductions and cumulative sums
from fastgrad.rules.reductions import log_softmax, logsumexp, max, mean, min, prod, softmax, sum
from fastgrad.rules.statistics import cumprod, cumsum, std, var
from fastgrad.functions.constants import all, any, argmax, argmin, count_nonzero
from fastgrad.functions.products import norm

# shapes, joining, indexing, sorting
from fastgrad.rules.shapes import copy, flip, pad, repeat, roll, tile, tril, triu
from fastgrad.functions.constants import nonzero, searchsorted
from fastgrad.functions.joining import concat, hstack
from fastgrad.functions.shapes import astype, broadcast_arrays, broadcast_to, expand_dims, flatten
from fastgrad.functions.joining import split
from fastgrad.functions.shapes import matrix_transpose, moveaxis, permute_dims, ravel, reshape, squeeze
from fastgrad.functions.joining import stack, unstack, vstack
from fastgrad.functions.shapes import swapaxes, transpose
from fastgrad.functions.products import diag

# linear algebra
from fastgrad.rules.linear_algebra import diagonal, dot, matmul, outer
from fastgrad.rules.singular import svdvals
from fastgrad.functions.products import trace, vecdot

# activations; fastgrad.nn.functional has these and the losses
from fastgrad.rules.activations import elu, gelu, leaky_relu, logsigmoid, relu, sigmoid, silu, softplus

# inspection
from fastgrad.functions.constants import allclose, array_equal, can_cast, isdtype, result_type

# aliases: the array API's, then NumPy's
acos, acosh, asin, asinh, atan, atan2, atanh = arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh
pow, concatenate, mod, true_divide = power, concat, remainder, divide
absolute, conjugate = abs, conj

__version__ = "0.1.0"
__array_api_version__ = "2024.12"

# imported at first use, so that `import fastgrad` stays fast: the name, and the module that defines it
_TRANSFORMS = (
    "checkpoint",
    "elementwise_grad",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "value_and_grad",
    "vjp",
    "vmap",
)
_FOREIGN = {
    "reductions": "amax amin std_mean topk var_mean",
    "creation": """
        BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor Generator IntTensor LongTensor ShortTensor Variable
        bernoulli manual_seed multinomial normal rand rand_like randint randint_like randn randn_like randperm
    """,
    "functions": """
        addmm as_tensor bmm cat chunk clamp clone complex div eq from_numpy gather ge ger gt index_select
        inference_mode is_complex is_floating_point is_tensor le lerp logit lt masked_fill masked_select mm movedim
        mul mv narrow ne neg numel permute row_stack rsqrt scatter set_grad_enabled sub swapdims t
        take_along_dim unbind unflatten unsqueeze
    """,
    "namespaces": "accelerator backends cuda get_default_dtype mps set_default_device use_deterministic_algorithms",
    "dtypes": "cdouble cfloat double dtype float int long short",
}
_LATER = {
    **_families.homes(),
    **dict.fromkeys(
        ("__array_namespace_info__", "broadcast_shapes", "finfo", "from_dlpack", "iinfo"), "functions.inspection"
    ),
    **{name: f"foreign.{module}" for module, names in _FOREIGN.items() for name in names.split()},
    "load": "nn",
    "save": "nn",
    "autograd": None,
    "data": None,
    "func": None,
    "lib": None,
    "errors": None,
    "nn": None,
    "numpy": None,
    "optim": None,
    "optimize": None,
    "parallel": None,
    "testing": None,
    "transforms": None,
    "utils": None,
    **dict.fromkeys(_TRANSFORMS, "transforms"),
    "draw": "pictures",
    "explain": "pictures",
    "compile": "programs",
    "primitive": "primitives",
}


def __getattr__(name):
    from importlib import import_module, util

    if name not in _LATER:
        if name.isidentifier() and util.find_spec(f"fastgrad.{name}") is not None:
            # `from fastgrad import name` asks here before it imports the module. What follows would import far more.
            raise AttributeError(f"module 'fastgrad' has no attribute {name!r}", name=name, obj=import_module(__name__))
        raise import_module("fastgrad.foreign.answers").missing("fg", name)
    module = import_module(f"fastgrad.{_LATER[name] or name}")
    globals()[name] = found = getattr(module, name) if _LATER[name] else module
    return found


def __dir__():
    """Return the names of this file, without the modules that Python enters here when they are imported."""
    public = {name for name, value in globals().items() if name[0] != "_" and type(value).__name__ != "module"}
    return sorted({*public, *_LATER, "__version__", "__doc__", "__name__", "__file__"})


del _assemble, _families, _pause, Pause, numpy, sys
