"""The functions and derivatives that SciPy calls, of flat arrays. What one point needs is computed once."""

import numpy as np

from fastgrad._engine import Tensor, asarray, gradients, push_forward
from fastgrad.optimize import messages
from fastgrad.optimize.nest import flat_tensor
from fastgrad.transforms import hessian, jacobian, value_and_grad
from fastgrad.transforms.lift import Run
from fastgrad.transforms.matrices import jacobian_of


class Memo:
    """The last result of a function, and the point that it belongs to. Other arguments are the same in all calls."""

    def __init__(self, compute):
        self.compute = compute
        self.x = self.found = None

    def __call__(self, x, *args, **kwargs):
        if self.x is None or not np.array_equal(x, self.x):
            self.x = None  # in case of an error
            self.found = self.compute(x, *args, **kwargs)
            self.x = np.array(x)
        return self.found


class Objective:
    """A scalar function of nested parameters, and its derivatives, for `minimize`."""

    def __init__(self, nest, f, sparse=False):
        self.nest = nest

        self.flat = of_flat(nest, f)
        self.value_and_grad = self._value_and_grad(value_and_grad(self.flat))
        self.hess = hessian(self.flat, sparse=sparse) if sparse else hessian(self.flat)
        self._linearized = Memo(self._linearize)

    def value(self, x, *args):
        """Return the value, computed with arrays."""
        return number(self.nest.name, self.flat(x, *args))

    def _value_and_grad(self, compute):
        def value_and_gradient(x, *args):
            value, gradient = compute(x, *args)
            return number(self.nest.name, value), gradient

        return value_and_gradient

    def hessp(self, x, p, *args):
        """Return the product of the Hessian with a vector. The gradient at `x` is recorded once."""
        run, g = self._linearized(x, *args)
        product = None
        if g is not None and g.requires_grad:
            (product,) = push_forward((g,), run.inputs, (asarray(np.asarray(p, np.float64)),))
        return np.zeros(self.nest.size) if product is None else product.numpy()

    def _linearize(self, x, *args):
        run = Run(self.nest.name, (x, *args), 0)
        y = run.call(self.flat)
        g = None
        if isinstance(y, Tensor) and y.requires_grad:
            (g,) = gradients((y,), run.inputs, create_graph=True, allow_unused=True)
        return run, g


class Residuals:
    """A function from nested parameters to residuals, and its Jacobian, for `root` and `least_squares`.

    The call for the value records, and the Jacobian at the same point is computed from what it recorded.
    """

    def __init__(self, nest, f, sparse=False):
        self.nest = nest

        def flat(x, *args, **kwargs):
            return flat_tensor(nest.name, f(nest.unpack(x), *args, **kwargs))

        self.flat = flat
        self.sparse = jacobian(flat, sparse=sparse) if sparse else None

    def value(self, x, *args, **kwargs):
        """Return the value, computed with arrays."""
        return _array(self.flat(x, *args, **kwargs))

    def pair(self):
        """Return the functions for the value and for the Jacobian, which share their last call."""
        if self.sparse is not None:
            return self.value, self.sparse
        last = Memo(self._record)

        def value(x, *args, **kwargs):
            return _array(last(x, *args, **kwargs)[1])

        def derivative(x, *args, **kwargs):
            run, _, y = last(x, *args, **kwargs)
            return _array(jacobian_of(run, y))

        return value, derivative

    def _record(self, x, *args, **kwargs):
        run = Run(self.nest.name, (np.asarray(x, np.float64), *args), 0, kwargs)
        y = run.call(self.flat)
        return run, run.value(y), y


def of_flat(nest, f):
    """Return a function of the user, of nested parameters, as one of a flat array."""
    return lambda x, *args, **kwargs: f(nest.unpack(x), *args, **kwargs)


def of_flat_with_derivative(nest, f):
    """Return the value and the derivative that a function of the user returns together, each as such a function."""
    pair = Memo(of_flat(nest, f))
    return (lambda x, *args: pair(x, *args)[0]), (lambda x, *args: pair(x, *args)[1])


def number(name, value):
    """Return the value of a function to minimize as a float."""
    if isinstance(value, Tensor):
        value = value.numpy()  # raises if a gradient would be lost
    if not isinstance(value, (np.ndarray, np.generic, int, float)):
        raise messages.not_a_number(name, type(value).__name__)
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        raise messages.not_a_number(name, f"shape {array.shape} of {array.dtype}")
    return float(array.reshape(()))


def _array(value):
    """Return the value of residuals as an array. Raises if a gradient would be lost."""
    return np.array(value.numpy() if isinstance(value, Tensor) else value, np.float64)
