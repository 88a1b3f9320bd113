"""Directional derivatives by forward mode: `jvp`, and `hvp`, forward mode over the recorded gradient."""

from fastgrad._engine import directional_derivative, hessian_product
from fastgrad.batching import running
from fastgrad.tracebacks import shorten
from fastgrad.transforms import inside_vmap
from fastgrad.transforms.lift import require_function


def jvp(f, primals, tangents):
    """Return the value of a function and its directional derivative, `J v`.

    Parameters
    ----------
    f : function
        Returns a Tensor or a nested tuple, list or dict of them.
    primals : tuple
        All arguments of `f`.
    tangents : tuple
        The direction, nested as `primals`, with the shape of the primal in each leaf.

    Returns
    -------
    value, tangent
        Both nested as the result of `f`.

    Notes
    -----
    A complex argument is treated as its real and imaginary part: the tangent is the derivative of the result along
    the direction, whether or not `f` is holomorphic.
    """
    try:
        require_function("jvp", f)
        if running.levels:
            return inside_vmap.jvp(f, primals, tangents)
        return directional_derivative(f, primals, tangents)
    except Exception as error:
        shorten(error)
        raise


def hvp(f, primals, tangents):
    """Return the product of the Hessian of a scalar function with a vector.

    Parameters
    ----------
    f : function
        Returns one real number.
    primals, tangents : tuple
        The arguments of `f`, and the vector, nested as `primals`.

    Returns
    -------
    nested as `primals`
        A tuple with one product per primal, or the product alone if there is one primal.

    Notes
    -----
    The product is the derivative of the gradient along `tangents`. A complex argument is treated as its real and
    imaginary part, as in `grad`; the gradient is dL/dRe + i dL/dIm, which is PyTorch's convention.
    """
    try:
        require_function("hvp", f)
        if running.levels:
            return inside_vmap.hvp(f, primals, tangents)
        return hessian_product(f, primals, tangents)
    except Exception as error:
        shorten(error)
        raise
