"""Normalization as functions: layer norm, batch norm, group norm and instance norm."""

from fastgrad import errors, parameters
from fastgrad._engine import batch_moments, no_grad
from fastgrad.nn.reductions import as_tensor
from fastgrad.rules import normalization


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Return `(x - mean) / sqrt(var + eps) * weight + bias`, with mean and biased variance over the last axes.

    Parameters
    ----------
    x : Tensor or array, shape (..., *normalized_shape)
    normalized_shape : int or sequence of int
        The lengths of the last axes, which are normalized.
    weight, bias : Tensor or array of shape `normalized_shape`, optional
    eps : float

    Returns
    -------
    Tensor, shape of `x`

    Raises
    ------
    ShapeError
        If the shape of `x` does not end with `normalized_shape`, or weight or bias have another shape.
    """
    x = as_tensor(x)
    wanted = parameters.shape(normalized_shape)
    if not wanted or x.shape[-len(wanted) :] != wanted:
        raise errors.ShapeError(f"layer_norm: the shape {x.shape} does not end with normalized_shape={wanted}")
    for name, p in ("weight", weight), ("bias", bias):
        if p is not None and p.shape != wanted:
            raise errors.ShapeError(f"layer_norm: {name} has shape {p.shape}, but normalized_shape={wanted}")
    return normalization.layer_norm(x, weight, bias, len(wanted), eps)


def batch_norm(x, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Return `(x - mean) / sqrt(var + eps) * weight + bias` for each channel (the second axis).

    Parameters
    ----------
    x : Tensor or array, shape (batch, channels, ...)
    running_mean, running_var : Tensor, shape (channels,), optional
        Used instead of the batch statistics if `training` is False. Otherwise they are updated in place with the mean
        and the unbiased variance of the batch.
    weight, bias : Tensor or array, shape (channels,), optional
    training : bool
        Whether to normalize with the mean and the biased variance of the batch.
    momentum : float
        The weight of the batch in the update of the running statistics.
    eps : float

    Returns
    -------
    Tensor, shape of `x`

    Raises
    ------
    ShapeError
        If `x` has fewer than two axes, running statistics or parameters are not of shape (channels,), or a training
        batch has one value per channel.
    ValueError
        If `training` is False and the running statistics are missing.
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise errors.ShapeError(f"batch_norm: x must have at least two axes, (batch, channels, ...), got {x.shape}")
    channels = x.shape[1]
    named = ("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)
    for name, p in named:
        if p is not None and p.shape != (channels,):
            raise errors.ShapeError(f"batch_norm: {name} has shape {p.shape}, but there are {channels} channels")
    shape = (channels,) + (1,) * (x.ndim - 2)
    per_channel = lambda p: p.reshape(shape) if x.ndim > 2 else p
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: training=False needs running_mean and running_var")
        scale = (running_var + eps) ** -0.5
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale if bias is None else bias - running_mean * scale
        return x * per_channel(scale) + per_channel(shift)
    count = x.size // channels if channels else 0
    if count < 2:
        raise errors.ShapeError(f"batch_norm: shape {x.shape} has {count} value(s) per channel, training needs two")
    axes = (0, *range(2, x.ndim))
    y = normalization.batch_norm(x, weight, bias, eps)
    if running_mean is not None or running_var is not None:
        with no_grad():
            moments = None if batch_moments is None else batch_moments(y)
            mean, var = (x.detach().mean(axes), x.detach().var(axes)) if moments is None else moments
            if running_mean is not None:
                running_mean += momentum * (mean - running_mean)
            if running_var is not None:
                running_var += momentum * (var * (count / (count - 1)) - running_var)
    return y


def _per_channel(name, channels, **named):
    for word, p in named.items():
        if p is not None and p.shape != (channels,):
            raise errors.ShapeError(f"{name}: {word} has shape {p.shape}, but there are {channels} channels")


def _affine(y, weight, bias):
    """Return `y * weight + bias` for each channel (the second axis)."""
    shape = (-1, *(1,) * (y.ndim - 2))
    y = y if weight is None else y * as_tensor(weight).reshape(shape)
    return y if bias is None else y + as_tensor(bias).reshape(shape)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    """Return `(x - mean) / sqrt(var + eps) * weight + bias`, with the statistics of each group of channels per example.

    Parameters
    ----------
    x : Tensor or array, shape (batch, channels, ...)
    num_groups : int
        Must divide the number of channels.
    weight, bias : Tensor or array, shape (channels,), optional
    eps : float

    Returns
    -------
    Tensor, shape of `x`

    Raises
    ------
    ShapeError
        If `x` has fewer than two axes, the groups do not divide the channels, or a parameter has another shape.
    """
    x, num_groups = as_tensor(x), parameters.integer(num_groups)
    if x.ndim < 2:
        raise errors.ShapeError(f"group_norm: x must have at least two axes, (batch, channels, ...), got {x.shape}")
    if num_groups < 1 or x.shape[1] % num_groups:
        raise errors.ShapeError(f"group_norm: num_groups={num_groups} must divide the {x.shape[1]} channels")
    _per_channel("group_norm", x.shape[1], weight=weight, bias=bias)
    size = x.size // (x.shape[0] * num_groups) if x.shape[0] else 0
    groups = x.reshape((x.shape[0], num_groups, size))
    return _affine(normalization.layer_norm(groups, None, None, 1, eps).reshape(x.shape), weight, bias)


def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    """Return `(x - mean) / sqrt(var + eps) * weight + bias`, with the statistics of each channel of each example.

    Parameters
    ----------
    x : Tensor or array, shape (batch, channels, ...)
    running_mean, running_var : Tensor, shape (channels,), optional
        Used instead of the statistics of `x` if `use_input_stats` is False. Otherwise they are updated in place with
        the means and the unbiased variances, averaged over the batch.
    weight, bias : Tensor or array, shape (channels,), optional
    use_input_stats : bool
    momentum : float
        The weight of the batch in the update of the running statistics.
    eps : float

    Returns
    -------
    Tensor, shape of `x`

    Raises
    ------
    ShapeError
        If `x` has fewer than three axes, or one value per channel, or parameters have another shape.
    ValueError
        If `use_input_stats` is False and the running statistics are missing.
    """
    x = as_tensor(x)
    if x.ndim < 3:
        raise errors.ShapeError(f"instance_norm: x must have three axes or more, (batch, channels, ...), got {x.shape}")
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    channels, axes = x.shape[1], tuple(range(2, x.ndim))
    _per_channel(
        "instance_norm", channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    count = x.size // (x.shape[0] * channels) if x.shape[0] * channels else 0
    if count < 2:
        raise errors.ShapeError(f"instance_norm: shape {x.shape} has {count} value(s) per channel, it needs two")
    with no_grad():
        if running_mean is not None:
            running_mean += momentum * (x.detach().mean(axes).mean(0) - running_mean)
        if running_var is not None:
            variance = x.detach().var(axes).mean(0) * (count / (count - 1))
            running_var += momentum * (variance - running_var)
    return _affine(normalization.layer_norm(x, None, None, len(axes), eps), weight, bias)
