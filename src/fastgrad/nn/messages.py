"""What modules say of what they cannot take: what came, what was wanted, what to do."""

from fastgrad.errors import DTypeError, ShapeError, StateError


def not_a_parameter(name, op):
    """Something that is no leaf requiring a gradient was assigned to the parameter `name`; `op` made it, if any did."""
    came = f"the result of {op!r}" if op else "something that is no leaf Tensor with requires_grad"
    return DTypeError(
        f"{name!r} is a parameter, got {came}: assign fg.nn.Parameter(data), or write the values into it, "
        f"`with fg.no_grad(): module.{name}[...] = data`"
    )


def not_a_state(name, kind, got):
    """Something that is neither Tensor nor None was assigned to a parameter or buffer."""
    return DTypeError(f"{name!r} is a {kind}, got {got}: assign a Tensor or None, or `del module.{name}` first")


def bad_state_name(name):
    """The name of a parameter, buffer or module that the names in a state dict could not be made of."""
    return StateError(f"{name!r} cannot name a parameter, buffer or module: use a str that is not empty and has no dot")


def not_a_module(container, name, got):
    """The child `name` of a module is no Module."""
    return DTypeError(f"{container}: child {name!r} is of type {got}, not a Module: fg.nn.ReLU(), not fg.relu")


def no_state_dict(got):
    """`load_state_dict` of something that is no mapping."""
    return DTypeError(f"load_state_dict takes a mapping of names to arrays, got {got}")


def state_mismatch(module, missing, unexpected, unfit):
    """A state dict that does not fit; nothing of it was loaded."""
    parts = [
        f"{word}: {separator.join(map(str, names))}"
        for word, names, separator in (
            ("missing", missing, ", "), ("unexpected", unexpected, ", "), ("of the wrong shape or dtype", unfit, "; "),
        )
        if names
    ]  # fmt: skip
    return StateError(f"the state dict does not fit {module}, nothing was loaded. " + ". ".join(parts))


def not_written(module, name, error):
    """The memory of a parameter or buffer could not be written; the others are as they were."""
    return StateError(f"the state dict cannot be written into {module}, nothing was loaded. {name}: {error}")


def layer_shape(layer, got, wanted):
    """A layer was given something that it is not made for."""
    return ShapeError(f"{layer} takes shape {wanted}, got {got}")


def too_few_axes(what, shape):
    """An initialiser that wants fans, of a vector."""
    return ShapeError(f"{what} needs a weight of at least two axes, (out, in, ...), got shape {shape}: use uniform_")


def not_saved(got):
    """`save` of something that is no state."""
    return DTypeError(f"save takes a Module or a mapping of names to Tensors or arrays, got {got}")


def not_saved_entry(name, got):
    """`save` of a mapping with something else than numbers in it."""
    return DTypeError(f"save: entry {name!r} is of type {got}: names are str, values Tensors or arrays of numbers")


def unknown_file(path):
    """A file name that does not say which format is meant."""
    return StateError(f"{path!r} ends neither in .npz nor in .safetensors, the two formats that there are")


def not_saved_dtype(name, dtype, format):
    """`save` of numbers that a Tensor, or the format, does not hold."""
    return DTypeError(
        f"save: entry {name!r} is of dtype {dtype}, which {format} files do not hold here: convert it first"
    )


def not_saved_name(name, why):
    """`save` under a name that would not come back."""
    return StateError(f"save: {name!r} cannot name an entry: {why}")


def broken_file(path, entry, error):
    """A file that is not what its name promises; `entry` is the one with which something is wrong, or None."""
    where = "" if entry is None else f"entry {entry!r}: "
    return StateError(f"{path!r} cannot be read as a state dict: {where}{error or type(error).__name__}")


def too_large(path, declared, limit):
    """A compressed file of more than was allowed."""
    return StateError(
        f"{path!r} cannot be read as a state dict: its entries have {declared} bytes when they are unpacked, the limit "
        f"is {limit}: if you trust the file, pass limit={declared}"
    )


def no_safetensors():
    """The optional package is not there."""
    return ImportError(
        ".safetensors files need the package safetensors: pip install safetensors, or take a name ending in .npz"
    )


def rng_state(wrong):
    """`set_rng_state` with the state of other generators; none was set."""
    return StateError("the state does not fit the generators, none was set. " + "; ".join(wrong))
