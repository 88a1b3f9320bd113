"""Gradient clipping, under PyTorch's names and defined in `fastgrad.optim`, and parameters joined to one vector."""

from __future__ import annotations

from collections.abc import Iterable

from fastgrad._engine import Tensor, no_grad
from fastgrad.errors import DTypeError, ShapeError
from fastgrad.functions.joining import concat
from fastgrad.optim.clip import clip_grad_norm_, clip_grad_value_

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return the elements of all parameters as one vector, through which gradients flow.

    Parameters
    ----------
    parameters : iterable of Tensor

    Returns
    -------
    Tensor, shape (total,)

    Raises
    ------
    ShapeError
        If there are no parameters.
    """
    parts = [p.reshape((p.size,)) for p in parameters]
    if not parts:
        raise ShapeError(
            "parameters_to_vector: got no parameters: was the generator of model.parameters() used before?"
        )
    return concat(parts, axis=0)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the elements of a vector to parameters, in place and without recording.

    Parameters
    ----------
    vec : Tensor, shape (total,)
    parameters : iterable of Tensor

    Raises
    ------
    DTypeError
        If `vec` is not a Tensor.
    ShapeError
        If the number of elements differs.
    """
    if not isinstance(vec, Tensor):
        raise DTypeError(f"vector_to_parameters takes a Tensor, got {type(vec).__name__}")
    given = list(parameters)
    total = sum(p.size for p in given)
    if vec.shape != (total,):
        raise ShapeError(f"vector_to_parameters: the vector must have shape ({total},), got {vec.shape}")
    values, at = vec.detach().numpy().copy(), 0
    with no_grad():
        for p in given:
            p[...] = values[at : at + p.size].reshape(p.shape)
            at += p.size
