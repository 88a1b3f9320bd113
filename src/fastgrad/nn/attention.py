"""Scaled dot-product attention as a function."""

import math

import numpy as np

from fastgrad import errors
from fastgrad._engine import Tensor, asarray, drawn
from fastgrad.functions.shapes import matrix_transpose
from fastgrad.nn import messages
from fastgrad.nn.random import generator
from fastgrad.nn.reductions import as_tensor
from fastgrad.rules.rule import FUNCTIONS


def additive_mask(name, mask, dtype):
    """Return a mask as numbers to add to scores: 0 where a boolean mask is True, minus infinity elsewhere."""
    if isinstance(mask, Tensor) and mask.requires_grad:
        return mask
    values = np.asarray(mask.detach().numpy() if isinstance(mask, Tensor) else mask)
    if values.dtype.kind == "b":
        return asarray(np.where(values, 0, -np.inf).astype(dtype))
    if values.dtype.kind != "f":
        raise errors.DTypeError(f"{name}: masks must be booleans or floats, got {values.dtype}: use mask.astype(bool)")
    return asarray(values.astype(dtype, copy=False))


def causal_mask(queries, keys, dtype):
    """Return minus infinity above the diagonal, where a query would attend to a later key, and 0 elsewhere."""
    return asarray(np.where(np.tri(queries, keys, dtype=bool), 0, -np.inf).astype(dtype))


def attention_weights(query, key, mask, scale):
    """Return `softmax(query @ key.T * scale + mask)` over the keys."""
    scores = (query * scale) @ matrix_transpose(key)
    return FUNCTIONS["softmax"](scores if mask is None else scores + mask, -1)


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False, *, rng=None
):
    """Return `softmax(query @ key.T * scale + mask) @ value`.

    Parameters
    ----------
    query : Tensor or array, shape (..., queries, features)
    key : Tensor or array, shape (..., keys, features)
    value : Tensor or array, shape (..., keys, outputs)
    attn_mask : Tensor or array, optional
        Broadcasts to (..., queries, keys). Of booleans, True where a query attends to a key; of floats, added to the
        scores.
    dropout_p : float
        Probability with which a weight is set to 0 and the others are multiplied by `1 / (1 - dropout_p)`; also in
        evaluation mode, since a function has none.
    is_causal : bool
        Whether each query attends only to the keys up to its own number. Excludes `attn_mask`.
    scale : float, optional
        By default `1 / sqrt(features)`.
    enable_gqa : bool
        Whether key and value have fewer heads (the third axis from the end), each used by several heads of the query.
    rng : numpy.random.Generator or int, optional
        Source of random numbers; by default the generator of the package, see `fg.nn.seed`.

    Returns
    -------
    Tensor, shape (..., queries, outputs)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If the mask consists of integers.
    ValueError
        If both a mask and `is_causal` are given, or `dropout_p` is not from 0 to 1.
    """
    name = "scaled_dot_product_attention"
    query, key, value = as_tensor(query), as_tensor(key), as_tensor(value)
    for x in (query, key, value):
        if x.ndim < 2:
            raise errors.ShapeError(f"{name}: query, key and value need at least two axes, got shape {x.shape}")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise errors.ShapeError(
            f"{name}: query {query.shape} and key {key.shape} must have the same number of features, "
            f"key and value {value.shape} the same number of rows"
        )
    if is_causal and attn_mask is not None:
        raise errors.BadSetting(f"{name}: pass either attn_mask or is_causal=True")
    if not 0 <= dropout_p <= 1:
        raise messages.bad_probability(name, "dropout_p", dropout_p)
    if enable_gqa:
        key, value = (_repeated_heads(name, x, query) for x in (key, value))
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    if is_causal:
        mask = causal_mask(query.shape[-2], key.shape[-2], query.dtype)
    else:
        mask = None if attn_mask is None else additive_mask(name, attn_mask, query.dtype)
    weights = attention_weights(query, key, mask, scale)
    return with_dropout(weights, dropout_p, rng) @ value


def with_dropout(weights, p, rng=None):
    """Set elements to 0 with probability `p` and multiply the others by `1 / (1 - p)`."""
    if p == 0:
        return weights

    def draw():
        kept = generator(rng).random(weights.shape, weights.dtype) >= p
        return (kept / (1 - p if p < 1 else 1)).astype(weights.dtype)

    return weights * drawn(draw)


def _repeated_heads(name, x, query):
    heads = query.shape[-3] if query.ndim > 2 else 1
    own = x.shape[-3] if x.ndim > 2 else 1
    if heads % own:
        raise errors.ShapeError(f"{name}: {own} heads of key and value do not divide the {heads} heads of the query")
    return x if own == heads else FUNCTIONS["repeat"](x, heads // own, -3)
