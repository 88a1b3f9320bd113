"""Errors of the transforms and their messages: what was passed, what was expected, what to do."""

from fastgrad.errors import BackwardError, NotDifferentiableError


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
