"""Gradients, Jacobians, Hessians and products with them, as functions of several arguments."""

import functools
import inspect
import warnings
from collections import OrderedDict

import numpy as np

from fastgrad import transform_arguments
from fastgrad._engine import Run, Tensor, asarray, gradient_function, hessian_product
from fastgrad._lazy import lazy_module
from fastgrad.autograd import core
from fastgrad.autograd._array_box import raw
from fastgrad.autograd._dialect import DIALECT, NARROWER, OtherRoad, conj, warn_independent
from fastgrad.autograd.core import vspace
from fastgrad.autograd.util import subvals
from fastgrad.autograd.wrap_util import argument_numbers, unary_to_nary
from fastgrad.autograd.wrap_util import derivative as derivative_of
from fastgrad.made_functions import MadeFunction, remember
from fastgrad.transforms import recompute
from fastgrad.transforms.matrices import by_columns, by_rows, require_same_kind

slow = lazy_module("fastgrad.autograd._slow")

_make_vjp, _make_jvp = core.make_vjp, core.make_jvp  # by these names, too, others know them
make_vjp = unary_to_nary(core.make_vjp)
make_jvp = unary_to_nary(core.make_jvp)


def grad(fun, argnum=0):
    """
    Returns a function which has the arguments of `fun` and gives its gradient in argument number `argnum`.

    `fun` must return one real number. The gradient has the nesting and types of the argument: a tuple for a tuple of
    `argnum`, a NumPy scalar for a number. Integers are promoted to float64.
    """  # autograd's own tests read the first words of its first line
    found = gradient_function("grad", fun, argument_numbers(argnum), False, False, DIALECT)
    return derivative_of(found, "grad", fun, grad, argnum=argnum)


def value_and_grad(fun, argnum=0):
    """Return a function that computes the value and the gradient, as scipy.optimize takes them."""
    found = gradient_function("value_and_grad", fun, argument_numbers(argnum), False, True, DIALECT)
    return derivative_of(found, "value_and_grad", fun, value_and_grad, argnum=argnum)


def grad_and_aux(fun, argnum=0):
    """Return a function that computes the gradient of the first result of a function, and its second result."""
    numbers = argument_numbers(argnum)

    def gradient(*args, **kwargs):
        run = Run("grad_and_aux", args, numbers, kwargs, DIALECT)
        y, aux = transform_arguments.pair("grad_and_aux", run.call(fun))
        return _pulled_ones(run, y), run.value(aux)

    return derivative_of(MadeFunction(gradient), "grad_and_aux", fun, grad_and_aux, argnum=argnum)


def elementwise_grad(fun, argnum=0):
    """Return a function that computes the sums of the columns of the Jacobian: its diagonal, if nothing else is there.

    The function must return real numbers.
    """
    numbers = argument_numbers(argnum)

    def derivative(*args, **kwargs):
        try:
            run = Run("elementwise_grad", args, numbers, kwargs, DIALECT)
        except OtherRoad:
            return slow.gradient(fun, numbers, args, kwargs)[1]
        y = run.call(fun)
        if getattr(y, "dtype", np.dtype(type(y) if isinstance(y, complex) else float)).kind == "c":
            raise TypeError("Elementwise_grad only applies to real-output functions.")
        return _pulled_ones(run, y)

    return derivative_of(MadeFunction(derivative), "elementwise_grad", fun, elementwise_grad, argnum=argnum)


def _pulled_ones(run, y):
    """Return the gradient for the cotangent of ones."""
    if not isinstance(y, Tensor):
        return core.pullback(run, y)(vspace(y).ones())
    if not y.requires_grad:
        warn_independent()
        return run.pack([None] * len(run.inputs))
    ones = np.full(y.shape, 1 + 1j if y.dtype.kind == "c" else 1, y.dtype)
    return run.pack(run.gradients((y,), (conj(asarray(ones)),)))


@unary_to_nary
def deriv(fun, x):
    """Return the derivative of a function of one number, or along the vector of ones, by forward mode."""
    ones = np.ones(np.shape(x)) if isinstance(x, (int, np.integer)) else vspace(x).ones()
    return core.make_jvp(fun, x)(ones)[1]


def jacobian(fun, argnum=0):
    """Return a function that computes the Jacobian of a function, of shape `result.shape + argument.shape`."""
    numbers = argument_numbers(argnum)

    def jacobian_of(*args, **kwargs):
        try:
            run = Run("jacobian", args, numbers, kwargs, DIALECT)
        except OtherRoad:
            return slow.jacobian(fun, numbers, args, kwargs)
        y = run.call(fun)
        _require_arrays("jacobian", run, y)
        if not isinstance(y, Tensor) or not y.requires_grad:
            warn_independent()
            return _zeros(run, y)
        return _in_dtype(_block(run, y), run)

    return derivative_of(MadeFunction(jacobian_of), "jacobian", fun, jacobian, argnum=argnum)


def _require_arrays(verb, run, y):
    if isinstance(y, (tuple, list, dict)) or len(run.inputs) != 1 or isinstance(run.trees[0], (tuple, list, dict)):
        raise TypeError(f"{verb}: the argument and the result must be arrays or numbers: use make_vjp for others")


def _zeros(run, y):
    y, x = np.asarray(raw(y)), run.inputs[0]
    return np.zeros(y.shape + x.shape, np.result_type(y.dtype, x.dtype))


def _block(run, y):
    """Return the Jacobian of a recorded result: by rows, in autograd's convention, unless the result is complex."""
    (x,) = run.inputs
    if y.dtype.kind == "c":
        if x.dtype.kind == "c":
            require_same_kind(run, y)  # or no complex matrix exists
        return by_columns(run, y)[0]
    if x.dtype.kind != "c" and x.size < y.size:
        return by_columns(run, y)[0]
    return conj(by_rows(run, y)[0])


def _in_dtype(block, run):
    dtype = getattr(run.originals[0], "dtype", None)
    return block.astype(dtype) if dtype in NARROWER and not isinstance(block, Tensor) else block


def hessian(fun, argnum=0):
    """Return a function that computes all second derivatives: the Jacobian of the Jacobian."""
    numbers = argument_numbers(argnum)

    def hessian_of(*args, **kwargs):
        try:
            run = Run("hessian", args, numbers, kwargs, DIALECT)
        except OtherRoad:
            return jacobian(jacobian(fun, argnum), argnum)(*args, **kwargs)
        y = run.call(fun)
        _require_arrays("hessian", run, y)
        (x,) = run.inputs
        recorded = isinstance(y, Tensor) and y.requires_grad
        if not recorded or y.size != 1 or y.dtype.kind == "c" or x.dtype.kind == "c":
            return jacobian(jacobian(fun, argnum), argnum)(*args, **kwargs)
        (g,) = run.gradients((y,), tracked=True)
        shape = y.shape + x.shape + x.shape
        if g is None or not g.requires_grad:
            return _in_dtype(np.zeros(shape, x.dtype), run)
        block = by_columns(run, g)[0]
        return _in_dtype(block if block.shape == shape else block.reshape(shape), run)

    return derivative_of(MadeFunction(hessian_of), "hessian", fun, hessian, argnum=argnum)


def holomorphic_grad(fun, argnum=0):
    """Return a function that computes the derivative of a holomorphic function."""
    gradient = grad(lambda *args, **kwargs: np.real(fun(*args, **kwargs)), argnum)

    def derivative(*args, **kwargs):
        if type(argnum) is int and not vspace(args[argnum]).iscomplex:
            warnings.warn("Input to holomorphic_grad is not complex", stacklevel=3)
        return gradient(*args, **kwargs)

    return derivative_of(MadeFunction(derivative), "holomorphic_grad", fun, holomorphic_grad, argnum=argnum)


def grad_named(fun, argname):
    """Return the gradient with respect to a positional argument of a name."""
    return grad(fun, list(inspect.signature(fun).parameters).index(argname))


@unary_to_nary
def make_hvp(fun, x):
    """Return the function that multiplies the Hessian at `x` by a vector, and the gradient."""
    return core.make_vjp(grad(fun), x)


def hessian_tensor_product(fun, argnum=0):
    """Return a function of the arguments of `fun` and of a vector: the product of the Hessian with it.

    It is computed by forward mode over the recorded gradient. The vector has the shape of the argument `argnum`.
    """
    numbers = argument_numbers(argnum)
    gradient = grad(fun, argnum)

    def hessian_times(*args, **kwargs):
        *args, vector = args
        if type(numbers) is int and type(args[numbers]) is np.ndarray and args[numbers].dtype == np.float64:
            of_x = functools.partial(_of_argument, fun, args, kwargs, numbers)
            return hessian_product(of_x, (args[numbers],), (vector,), DIALECT)
        return make_jvp(gradient, numbers)(*args, **kwargs)(vector)[1]

    return derivative_of(
        MadeFunction(hessian_times), "hessian_tensor_product", fun, hessian_tensor_product, argnum=argnum
    )


hessian_vector_product = hessian_tensor_product


def _of_argument(fun, args, kwargs, k, x):
    return fun(*subvals(args, ((k, x),)), **kwargs)


def tensor_jacobian_product(fun, argnum=0):
    """Return a function of the arguments of `fun` and of a tensor: the Jacobian multiplied by it from the left."""

    def tensor_dot_fun(*args, **kwargs):
        *args, tensor = args
        return np.tensordot(tensor, fun(*args, **kwargs), axes=np.ndim(tensor))

    return remember(jacobian(tensor_dot_fun, argnum), tensor_jacobian_product, fun, argnum=argnum)


vector_jacobian_product = tensor_jacobian_product


@unary_to_nary
def make_jvp_reversemode(fun, x):
    """Return the function that multiplies the Jacobian at `x` by a vector: the vjp of the vjp."""
    vjp, y = core.make_vjp(fun, x)
    return core.make_vjp(vjp, vspace(y).zeros())[0]


def _half_square(x):
    return 0.5 * np.sum(x**2, axis=-1)


def make_ggnvp(f, g=_half_square, f_argnum=0):
    """Return a function that makes the product with the generalized Gauss-Newton matrix of `g(f(x))` at a point."""

    @unary_to_nary
    def make_product(f, x):
        f_vjp, y = core.make_vjp(f, x)
        g_hvp, grad_g = core.make_vjp(grad(g), y)
        f_jvp, _ = core.make_vjp(f_vjp, vspace(grad_g).zeros())
        return lambda v: f_vjp(g_hvp(f_jvp(v)))

    return remember(make_product(f, f_argnum), make_ggnvp, f, g=g, f_argnum=f_argnum)


def multigrad_dict(fun):
    """Return a function that computes the gradients with respect to all arguments, in a dict by their names.

    Those of `*args` and `**kwargs` are a tuple and a dict.
    """
    signature = inspect.signature(fun)
    kinds = {name: p.kind for name, p in signature.parameters.items()}

    def of_dict(arguments):
        args, kwargs = [], {}
        for name, kind in kinds.items():
            value = arguments[name]
            if kind is inspect.Parameter.VAR_POSITIONAL:
                args.extend(value)
            elif kind is inspect.Parameter.VAR_KEYWORD:
                kwargs.update(value)
            elif kind is inspect.Parameter.KEYWORD_ONLY:
                kwargs[name] = value
            else:
                args.append(value)
        return fun(*args, **kwargs)

    gradient = grad(of_dict)

    def gradients(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        found = gradient(dict(bound.arguments))
        return OrderedDict((name, found[name]) for name in kinds)

    return remember(functools.wraps(fun)(MadeFunction(gradients)), multigrad_dict, fun)


def checkpoint(fun):
    """Return a function that computes the same, and computes its intermediate values again in the backward pass."""
    return recompute.checkpoint(fun)
