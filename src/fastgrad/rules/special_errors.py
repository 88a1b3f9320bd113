"""The refusal of gradients with respect to arguments of SciPy's functions that have no derivative here."""

from fastgrad import errors


def no_gradient(name, argument):
    """Return the vjp of an argument that has none.

    Parameters
    ----------
    name, argument : str
        SciPy's function and its argument.
    """

    def refuse(g):
        raise errors.NotDifferentiableError(
            f"scipy.special.{name} has no gradient with respect to {argument}: pass {argument} as a number or array"
        )

    return refuse
