"""Errors of modules, initializers and files, and their messages: what was passed, what was expected, what to do."""

import os

from fastgrad.errors import BadSetting, DTypeError, ShapeError, StateError


def not_a_parameter(name, op):
    """Something other than a leaf was assigned to the parameter `name`; `op` computed it, if it is a result."""
    came = f"the result of {op!r}" if op else "an object that is not a leaf Tensor requiring a gradient"
    return DTypeError(
        f"{name!r} is a parameter, got {came}: assign fg.nn.Parameter(data), or write the values to it, "
        f"`with fg.no_grad(): module.{name}[...] = data`"
    )


def not_a_state(name, kind, got):
    """An object other than a Tensor or None was assigned to a parameter or buffer."""
    return DTypeError(f"{name!r} is a {kind}, got {got}: assign a Tensor or None, or `del module.{name}` first")


def bad_state_name(name):
    """The name of a parameter, buffer or module is not valid in a state dict."""
    return StateError(f"{name!r} cannot name a parameter, buffer or module: use a nonempty str without dots")


def not_a_module(container, name, got):
    """The child `name` of a module is not a Module."""
    return DTypeError(f"{container}: child {name!r} is of type {got}, not a Module: use fg.nn.ReLU(), not fg.relu")


def no_state_dict(got):
    """`load_state_dict` of something other than a mapping."""
    return DTypeError(f"load_state_dict takes a mapping of names to arrays, got {got}")


def state_mismatch(module, missing, unexpected, unfit):
    """A state dict does not fit; nothing of it was loaded."""
    parts = [
        f"{word}: {separator.join(map(str, names))}"
        for word, names, separator in (
            ("missing", missing, ", "), ("unexpected", unexpected, ", "), ("of the wrong shape or dtype", unfit, "; "),
        )
        if names
    ]  # fmt: skip
    return StateError(f"the state dict does not fit {module}, nothing was loaded. " + ". ".join(parts))


def not_written(module, name, error):
    """The memory of a parameter or buffer could not be written; nothing was loaded."""
    return StateError(f"the state dict cannot be written into {module}, nothing was loaded. {name}: {error}")


def unknown_name(module, kind, name):
    """A module has no parameter or child of this name."""
    return StateError(f"{module} has no {kind} {name!r}: named_{kind}s() lists them")


def name_taken(container, name):
    """The name of an entry of a container is that of a method or attribute."""
    return StateError(f"{container}: {name!r} cannot name an entry, since it is an attribute: use another name")


def tied(module, name):
    """`functional_call` was given different values for two names of one Tensor."""
    return StateError(
        f"{module}: {name!r} is another name of a Tensor that is given with a different value: "
        "give one of them, or pass tie_weights=False"
    )


def no_always_call():
    """`register_forward_hook` with `always_call=True`."""
    return BadSetting("register_forward_hook: always_call=True is not supported: omit it")


def not_floating(module, dtype):
    """A module was to be converted to a dtype that has no gradient."""
    return DTypeError(f"{module} can be converted to floating and complex dtypes, got {dtype}")


def layer_shape(layer, got, wanted):
    """The input of a layer has the wrong shape."""
    return ShapeError(f"{layer} takes shape {wanted}, got {got}")


def bad_probability(what, name, value):
    """A probability, such as that of dropout, is out of range."""
    return ValueError(f"{what}: {name} must be a probability, from 0 to 1, got {value}")


def bad_choice(what, name, value, choices):
    """An option is not one of its `choices`."""
    return ValueError(f"{what}: {name} must be {', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}, got {value!r}")


def not_initialized(what, got):
    """An initializer was given something other than a Tensor."""
    return DTypeError(f"{what} fills a Tensor, such as layer.weight, got {got}")


def options_wanted(what):
    """A module was made with a Tensor in the place of its options."""
    return DTypeError(f"{what} takes options, got a Tensor: make the module first, then call it: {what}()(x)")


def implicit_axis(what, ndim):
    """The text of a warning: a softmax without an axis, which PyTorch takes along another axis."""
    return (
        f"{what}() of {ndim} axes is taken along the last one; PyTorch takes axis {0 if ndim == 3 else 1}: "
        f"use {what}(dim=-1), or the axis that is meant"
    )


def too_few_axes(what, shape):
    """An initializer that needs fan_in and fan_out was given a vector."""
    return ShapeError(f"{what} needs a weight of at least two axes, (out, in, ...), got shape {shape}: use uniform_")


def not_saved(got):
    """`save` of something other than a state."""
    return DTypeError(f"save takes a Module or a mapping of names to Tensors or arrays, got {got}")


def not_saved_entry(name, got):
    """`save` of a mapping with a key that is not a name, or a value that is not an array of numbers."""
    return DTypeError(f"save: entry {name!r} is of type {got}: names must be str, values Tensors or arrays of numbers")


def unknown_file(path):
    """The suffix of a file is unknown."""
    if os.path.splitext(path)[1].lower() in (".pt", ".pth", ".ckpt", ".bin", ".pkl"):
        return StateError(
            f"{path!r}: PyTorch's files are pickles, which can run any code and are not read or written here: use a "
            "name ending in .npz or .safetensors. In PyTorch, safetensors.torch.save_file(model.state_dict(), name) or "
            "numpy.savez(name, **model.state_dict()) writes a file that fg.load reads"
        )
    return StateError(f"{path!r} must end in .npz or .safetensors, which selects the format")


def not_saved_dtype(name, dtype, format):
    """`save` of a dtype that a Tensor cannot hold, or the format cannot store."""
    return DTypeError(f"save: entry {name!r} is of dtype {dtype}, which {format} files cannot store: convert it first")


def not_saved_name(name, why):
    """`save` under a name that `load` could not restore."""
    return StateError(f"save: {name!r} cannot name an entry: {why}")


def broken_file(path, entry, error):
    """A file is not valid; `entry` is the invalid entry, or None."""
    where = "" if entry is None else f"entry {entry!r}: "
    return StateError(f"{path!r} cannot be read as a state dict: {where}{error or type(error).__name__}")


def too_large(path, declared, limit):
    """The uncompressed size of a file exceeds the limit."""
    return StateError(
        f"{path!r} cannot be read as a state dict: its entries take {declared} bytes uncompressed, the limit is "
        f"{limit}: if you trust the file, pass limit={declared}"
    )


def no_safetensors():
    """The optional package safetensors is not installed."""
    return ImportError(
        ".safetensors files need the package safetensors: run pip install safetensors, or use a name ending in .npz"
    )


def rng_state(wrong):
    """`set_rng_state` with a state that does not fit; no generator was set."""
    return StateError("the state does not fit the generators, none was set. " + "; ".join(wrong))
