"""Checks of what users pass to a sweep, in both engines: outputs, inputs, cotangents, gradients, results of hooks.

Knows a Tensor by its public attributes. Functions take the engine's class or its `asarray` where they need it.
"""

import numpy as np

from fastgrad import errors
from fastgrad.batching import Batched, not_swept


def checked_cotangent(y, cotangent, what, Tensor, asarray):
    """Return the cotangent of the output `y` as a Tensor of its dtype; None, which stands for 1, if none was passed.

    `what` names the output, for example "outputs[1]".
    """
    if type(y) is Batched or type(cotangent) is Batched:
        raise not_swept()
    if not isinstance(y, Tensor):
        raise errors.not_a_tensor(what, y)
    if not y.requires_grad:
        raise errors.not_recorded(what)
    if cotangent is None:
        if y.size != 1:
            raise errors.not_scalar(y.shape)
        if y.dtype.kind == "c":
            raise errors.complex_result(y.dtype)
        return None
    cotangent = asarray(cotangent)
    if cotangent.shape != y.shape:
        raise errors.cotangent_shape(cotangent.shape, y.shape)
    if cotangent.dtype.kind == "c" and y.dtype.kind != "c":
        raise errors.cotangent_dtype(cotangent.dtype, y.dtype)
    return asarray(cotangent, dtype=y.dtype)


def checked_sequences(outputs, inputs, cotangents, Tensor):
    """Return the arguments of `gradients` as sequences, with one cotangent per output."""
    outputs = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if not isinstance(cotangents, (tuple, list)):
        cotangents = (cotangents,) * (len(outputs) if cotangents is None else 1)
    if len(cotangents) != len(outputs):
        raise errors.cotangent_count(len(cotangents), len(outputs))
    for k, x in enumerate(inputs):
        if type(x) is Batched:
            raise not_swept()
        if not isinstance(x, Tensor):
            raise errors.not_a_tensor(f"inputs[{k}]", x)
        if not x.requires_grad:
            raise errors.input_without_grad(k)
    if not outputs:
        raise errors.not_recorded("an empty sequence of outputs")
    return outputs, inputs, cotangents


def checked_gradient(value, x, asarray):
    """Return what is assigned to `x.grad` as a Tensor."""
    if type(value) is Batched:
        raise not_swept()
    value = asarray(value)
    for what in "shape", "dtype":
        if getattr(value, what) != getattr(x, what):
            raise errors.grad_value(getattr(value, what), getattr(x, what), what)
    return value


def checked_hook_result(result, g, Tensor, asarray):
    """Return what a hook returned as a Tensor of the shape and dtype of the gradient `g`."""
    if not isinstance(result, (Tensor, np.ndarray, np.generic, bool, int, float, complex, list, tuple)):
        raise _hook_result(type(result).__name__, g.shape)
    result = asarray(result)
    if result.dtype.kind == "c" and g.dtype.kind != "c":
        raise _hook_dtype(result.dtype, g.dtype)
    result = asarray(result, dtype=g.dtype)
    if result.shape != g.shape:
        raise _hook_result(f"shape {result.shape}", g.shape)
    return result


def hooked(hooks, g, size, functions, asarray):
    """Return `size` gradients, along axis 0 of `g`, as the hooks of their tensor leave them; they get one at a time."""
    for hook in hooks:
        parts = []
        for k in range(size):
            part = functions["copy"](g[k])
            result = hook(part)
            parts.append(part if result is None else checked_hook_result(result, part, type(g), asarray))
        g = functions["stack"](*parts) if parts else g
    return g


def _hook_result(got, wanted):
    """A hook returned `got`, as "shape (3,)" or "str", for a gradient of shape `wanted`."""
    return errors.ShapeError(
        f"a hook returned {got} for a gradient of shape {wanted}: return None, or one of that shape"
    )


def _hook_dtype(got, wanted):
    """A hook returned a complex value for a gradient of the real dtype `wanted`."""
    return errors.DTypeError(
        f"a hook returned {got.name} for a gradient of {wanted.name}: return a real one, such as g.real"
    )
