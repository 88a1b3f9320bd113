"""Errors of convolutions, pooling and recurrent networks, and their messages."""

from fastgrad.errors import ShapeError


def window_parameter(op, name, value, n, least):
    """A stride, dilation, kernel size or padding is not an int or `n` ints of at least `least`."""
    form = f"an int of at least {least}" + (f", or a tuple of {n} of them" if n > 1 else "")
    words = ', a pair (before, after) per axis, "same" or "valid"' if name == "padding" else ""
    return ShapeError(f"{op}: {name} must be {form}{words}, got {value!r}")


def same_with_stride(op, stride):
    """`padding="same"` of a convolution with a stride."""
    return ShapeError(f'{op}: padding="same" needs stride=1, got stride={stride}: pass the padding as numbers')


def window_too_large(op, kernel, dilation, lengths, padding):
    """A kernel is larger than its input."""
    whole = tuple(n + low + high for n, (low, high) in zip(lengths, padding, strict=True))
    return ShapeError(
        f"{op}: a kernel of {kernel} with dilation {dilation} does not fit into an input of {lengths}, {whole} with "
        "padding: use a smaller kernel or dilation, or more padding"
    )


def conv_rank(op, n, x, weight):
    """Operands of a convolution do not have one axis for the batch, one for the channels, and `n` more."""
    axes = "length" if n == 1 else "height, width"
    return ShapeError(
        f"{op}: got shapes {x} and {weight}, but the input must be (batch, channels, {axes}) and the weight "
        f"(out, channels / groups, {axes}): use x[None] to make a batch of a single example"
    )


def conv_channels(op, x, weight, groups):
    """The numbers of channels, groups and the shape of the weight do not fit."""
    return ShapeError(
        f"{op}: got an input of {x[1]} channels, a weight of shape {weight} and groups={groups}: groups must divide "
        "the channels and the first axis of the weight, whose second axis must have length channels / groups"
    )


def conv_bias(op, bias, weight):
    """A bias does not have one element per output channel."""
    return ShapeError(f"{op}: got a bias of shape {bias}, but a weight of shape {weight} needs shape {weight[:1]}")


def pool_padding(op, padding, kernel):
    """Padding that would allow windows of padding only."""
    return ShapeError(
        f"{op}: padding={padding!r} is more than half of the kernel {kernel}, so some windows could contain padding "
        "only: use less padding, or fg.pad"
    )


def pool_rank(op, shape, axes="height, width"):
    """An operand of a pooling op has too few axes."""
    return ShapeError(f"{op}: got shape {shape}, but the input must be (..., {axes})")


def recurrent_weights(op, gates, u, weight):
    """Pre-activations and recurrent weight do not fit."""
    return ShapeError(
        f"{op}: got pre-activations of shape {u} and a weight of shape {weight}, but they must be "
        f"(steps, batch, {gates} * hidden) and ({gates} * hidden, hidden)"
    )


def bad_nonlinearity(op, got):
    """The nonlinearity of a recurrent network is unknown."""
    return ValueError(f'{op}: nonlinearity must be "tanh" or "relu", got {got!r}')


def recurrent_state(op, got, wanted):
    """An initial state is not of shape (batch, hidden)."""
    return ShapeError(f"{op}: got an initial state of shape {got}, but it must be (batch, hidden), {wanted}")


def recurrent_bias(op, bias, weight):
    """A bias does not have one element per row of the weight."""
    return conv_bias(op, bias, weight)


def sequence_shape(op, shape, features, batch_first):
    """An input of a recurrent layer is not a sequence of its features."""
    form = "(batch, steps, " if batch_first else "(steps, batch, "
    return ShapeError(
        f"{op}: got an input of shape {shape}, but it must be {form}{features}), or (steps, {features}) for one "
        "sequence"
    )


def first_state(op, shape, wanted):
    """The initial state of a recurrent layer is not of shape (layers * directions, batch, hidden)."""
    return ShapeError(
        f"{op}: got an initial state of shape {shape}, but it must be (layers * directions, batch, hidden), {wanted}"
    )


def layer_size(op, name, value, why):
    """A length passed to the constructor of a layer is invalid."""
    return ShapeError(f"{op}: {name}={value}: {why}")


def window_of_padding(op, shape, kernel, dilation, padding):
    """A window contains no element of the input."""
    return ShapeError(
        f"{op}: with kernel {kernel}, dilation {dilation} and padding {padding}, a window over shape {shape} would "
        "contain padding only: use less padding or dilation"
    )


def cell_shape(op, shape, features):
    """An input of a recurrent cell does not have its features."""
    return ShapeError(f"{op}: got an input of shape {shape}, but it must be (batch, {features}) or ({features},)")
