"""`autograd.numpy.numpy_jvps`: what jvps of users' primitives are written with. NumPy's have fastgrad's rules."""

from fastgrad.autograd.numpy import numpy_wrapper as anp


def broadcast(x, target):
    """Return a tangent with the shape of the result `target` of a broadcasting function.

    Parameters
    ----------
    x : array_like
        The tangent of an operand.
    target : array_like
        The result.

    Returns
    -------
    array
        Complex if the result is.
    """
    shape, _, _, is_complex = anp.metadata(target)
    x = x if anp.shape(x) == shape else anp.broadcast_to(x, shape)
    return x + 0j if is_complex and not anp.iscomplexobj(x) else x
