"""The texts of errors of convolutions, pooling and recurrent networks: what came, what was wanted, what to do."""

from fastgrad.errors import ShapeError


def window_parameter(op, name, value, n, least):
    """A stride, dilation, kernel size or padding that is not `n` whole numbers of at least `least`."""
    form = f"an int of at least {least}" + (f", or a tuple of {n} of them" if n > 1 else "")
    words = ', a pair (before, after) per axis, "same" or "valid"' if name == "padding" else ""
    return ShapeError(f"{op}: {name}={value!r}, but {name} is {form}{words}")


def same_with_stride(op, stride):
    """`padding="same"` of a convolution that takes steps."""
    return ShapeError(f'{op}: padding="same" keeps the lengths, stride={stride} does not: give numbers')


def window_too_large(op, kernel, dilation, lengths, padding):
    """A kernel that does not fit into its input even once."""
    whole = tuple(n + low + high for n, (low, high) in zip(lengths, padding, strict=True))
    return ShapeError(
        f"{op}: a kernel of {kernel}, dilation {dilation}, does not fit into an input of {lengths}, with its padding "
        f"{whole}: use a smaller kernel or dilation, or more padding"
    )


def conv_rank(op, n, x, weight):
    """Operands of a convolution that have not one axis for the batch, one for the channels, and `n` more."""
    axes = "length" if n == 1 else "height, width"
    return ShapeError(
        f"{op}: shapes {x} and {weight}, but the input is (batch, channels, {axes}) and the weight "
        f"(out, channels / groups, {axes}); a single example becomes a batch by x[None]"
    )


def conv_channels(op, x, weight, groups):
    """Channels that the weight or the groups do not fit."""
    return ShapeError(
        f"{op}: an input of {x[1]} channels, a weight of shape {weight} and groups={groups}: groups must divide the "
        f"input's channels and the weight's first axis, and the weight's second be channels / groups"
    )


def conv_bias(op, bias, weight):
    """A bias that has not one number for each output channel."""
    return ShapeError(f"{op}: a bias of shape {bias}, but a weight of shape {weight} wants one of shape {weight[:1]}")


def pool_padding(op, padding, kernel):
    """Padding that would make windows of nothing else."""
    return ShapeError(
        f"{op}: padding={padding!r} is more than half of the kernel {kernel}, so that some windows could lie "
        "outside of the input: use less, or fg.pad"
    )


def pool_rank(op, shape):
    """An operand of a pooling op without two axes."""
    return ShapeError(f"{op}: shape {shape}, but windows are taken over the last two axes (..., height, width)")


def recurrent_weights(op, gates, u, weight):
    """Pre-activations and recurrent weight that do not fit."""
    return ShapeError(
        f"{op}: pre-activations of shape {u} and a weight of shape {weight}, but they are "
        f"(steps, batch, {gates} * hidden) and ({gates} * hidden, hidden)"
    )


def recurrent_state(op, got, wanted):
    """A first state of another shape than (batch, hidden)."""
    return ShapeError(f"{op}: a first state of shape {got}, but batch and hidden units make {wanted}")


def recurrent_bias(op, bias, weight):
    """A bias that has not one number for each row of the weight."""
    return ShapeError(f"{op}: a bias of shape {bias}, but a weight of shape {weight} wants one of shape {weight[:1]}")


def sequence_shape(op, shape, features, batch_first):
    """An input of a recurrent layer that is no sequence of its features."""
    form = "(batch, steps, " if batch_first else "(steps, batch, "
    return ShapeError(
        f"{op}: an input of shape {shape}, but it is {form}{features}), or (steps, {features}) for a single sequence"
    )


def first_state(op, shape, wanted):
    """The first state of a recurrent layer in another shape than (layers * directions, batch, hidden)."""
    return ShapeError(f"{op}: a first state of shape {shape}, but (layers * directions, batch, hidden) is {wanted}")


def layer_size(op, name, value, why):
    """A length in the constructor of a layer that cannot be."""
    return ShapeError(f"{op}: {name}={value}: {why}")


def window_of_padding(op, shape, kernel, dilation, padding):
    """A window of which no element lies in the input."""
    return ShapeError(
        f"{op}: with kernel {kernel}, dilation {dilation} and padding {padding}, a window over shape {shape} would lie "
        "in the padding alone: use less padding or dilation"
    )
