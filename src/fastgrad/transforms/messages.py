"""The texts of the errors of transforms: what came, what was wanted, what to do."""

from fastgrad.errors import BackwardError, NotDifferentiableError


def recomputed_differently(name):
    """The function `name` of a checkpoint did not repeat itself."""
    return BackwardError(
        f"checkpoint: {name!r} did something else when it was run again for the sweep; it must not depend on state or "
        "random numbers, nor read Tensors that are replaced in between"
    )


def not_holomorphic(verb):
    """`jacobian` or `hessian` of what is no complex-differentiable function of complex arguments."""
    what = "gradient" if verb == "hessian" else "function"
    return NotDifferentiableError(
        f"{verb}: the {what} is not holomorphic, so that its derivatives are no complex matrix: take the real and the "
        f"imaginary parts as arguments of their own, or use {'hvp' if verb == 'hessian' else 'vjp or jvp'}"
    )
