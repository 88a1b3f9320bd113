"""Errors of the transforms and their messages: what was passed, what was expected, what to do."""

from fastgrad.errors import BackwardError, BadSetting, NotDifferentiableError, ShapeError, VmapError


def recomputed_differently(name):
    """The function `name` of a checkpoint did not compute the same values again."""
    return BackwardError(
        f"checkpoint: {name!r} gave other results when the sweep called it again: it must not depend on state or "
        "random numbers, nor read Tensors that are replaced in between"
    )


def not_holomorphic(verb):
    """`jacobian` or `hessian` of a function of complex arguments that is not complex-differentiable."""
    what = "gradient" if verb == "hessian" else "function"
    return NotDifferentiableError(
        f"{verb}: the {what} is not holomorphic, so its derivatives do not form a complex matrix: pass the real and "
        f"imaginary parts as separate arguments, or use {'hvp' if verb == 'hessian' else 'vjp or jvp'}"
    )


def sparse_tracked(verb):
    """A sparse matrix was asked for where its elements would have to be differentiable."""
    return NotDifferentiableError(
        f"{verb}: with sparse=..., the result consists of arrays and is not differentiable, but an outer transform or "
        "a Tensor that requires a gradient takes part: leave out sparse=, or call it under no_grad() if the result is "
        "constant"
    )


def sparse_batched(verb):
    """A sparse matrix was asked for inside vmap."""
    return VmapError(
        f"{verb}: with sparse=..., the result consists of arrays, which vmap cannot batch: leave out sparse=, or loop "
        "over the elements of the batch"
    )


def not_sparse(count):
    """The pattern of a derivative has too many elements."""
    return ShapeError(
        f"sparse=...: the pattern has {count} elements and would need gigabytes: use jvp, vjp or hvp, which need no "
        "matrix, or pass the pattern, if many of its elements are zero"
    )


def nothing_returned(verb):
    """A function has returned an empty container."""
    return TypeError(f"{verb}: the function returned no Tensor, array or number")


def no_scipy(verb):
    """A format of SciPy was asked for, which is not installed."""
    return ImportError(
        f'{verb}: sparse="csr" needs SciPy: pip install scipy, or use sparse="triplets", which needs NumPy alone'
    )


def bad_pattern(verb, got):
    """The argument `sparse=` is none of those that are known."""
    return BadSetting(
        f'{verb}: sparse= must be True, "csr", "triplets", a matrix with the pattern (dense or of scipy.sparse), or a '
        f"pair (rows, columns) of vectors of ints, {got}"
    )


def pattern_shape(verb, given, wanted):
    """A given pattern has another shape than the matrix."""
    return ShapeError(
        f"{verb}: the given pattern has shape {given}, the matrix has shape {wanted}: one row for each element of the "
        "result, and one column for each element of the arguments"
    )


def pattern_range(verb, name, numbers, wanted):
    """A given pattern has an element outside of the matrix."""
    return ShapeError(
        f"{verb}: the given pattern has {name} numbers from {numbers.min()} to {numbers.max()}, the matrix has shape "
        f"{wanted}"
    )


def wrong_pattern(verb, count, where):
    """Elements outside of a given pattern are not zero."""
    return BadSetting(
        f"{verb}: the given pattern is wrong: elements outside of it are not zero, in at least {count} of the {where}. "
        "Add them, or pass sparse=True to have the pattern found"
    )
