"""Errors of the solvers and their messages: what was passed, what was expected, what to do."""

from fastgrad.errors import DTypeError, ShapeError


def no_scipy(name):
    """SciPy is not installed."""
    return ImportError(f"fg.optimize.{name} needs SciPy: pip install scipy, or pip install fastgrad[scipy]")


def parameter_dtype(name, place, got):
    """A leaf of the parameters is not a real number or array."""
    return DTypeError(f"{name}: x0{place} is {got}; parameters are real numbers and arrays, and nests of them")


def no_parameters(name):
    """The parameters have no element."""
    return ShapeError(f"{name}: x0 has no elements, there is nothing to solve for")


def nested_differently(name, what, got):
    """A derivative or bound of a user is not nested as the parameters."""
    return DTypeError(f"{name}: {what} must be nested as x0, got {got!r}")


def bound_of_leaf(name, place, got):
    """The bound of a leaf is not a pair."""
    return DTypeError(
        f"{name}: the bounds of x0{place} must be a pair (lower, upper) of numbers, arrays or None, "
        f"or None, got {got!r}"
    )


def shape_of_leaf(name, what, place, got, shape):
    """A derivative or bound has a different shape than its parameter."""
    return ShapeError(f"{name}: {what} of x0{place} has shape {got}, the parameter has {shape}")


def not_residuals(name, got):
    """The function returned something that is not an array."""
    return DTypeError(
        f"{name}: the function must return real arrays or numbers, or a nested tuple, list or dict of them, got {got}"
    )


def not_a_number(name, got):
    """The function to minimize returned something other than one real number."""
    return ShapeError(f"{name}: the function must return one real number, got {got}")


def sparse_method(name, method):
    """Sparse derivatives were asked of a method that takes dense ones."""
    return ValueError(f"{name}: method {method!r} has no use for sparse derivatives: leave out sparse=True")
