"""Calls of a module with other parameters than its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastgrad._engine import Tensor
from fastgrad.nn import messages
from fastgrad.nn.module import Module
from fastgrad.nn.states import BUFFER, PARAMETER, TRANSIENT


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | tuple[Mapping[str, Tensor], ...],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other Tensors in place of its parameters and buffers.

        loss = lambda params: fg.func.functional_call(model, params, (x,)).square().mean()
        gradients = fg.grad(loss)({name: p.detach() for name, p in model.named_parameters()})

    The parameters of the module are restored after the call. Calls of the same module from several threads at a time
    would see each other's Tensors.

    Parameters
    ----------
    module : Module
    parameter_and_buffer_dicts : mapping of str to Tensor, or tuple of them
        By the names of `named_parameters()` and `named_buffers()`. Tensors may be results, so that gradients flow
        through them.
    args : tuple, or one argument
    kwargs : mapping, optional
    tie_weights : bool
        Whether a Tensor that the module uses under several names is replaced under all of them.
    strict : bool
        Whether all parameters and buffers must be given.

    Returns
    -------
    The output of the module.

    Raises
    ------
    StateError
        If a name is unknown, or missing while `strict` is set, or two names of one Tensor are given different values.
    """
    given: dict[str, Any] = {}
    dicts = parameter_and_buffer_dicts
    for part in dicts if isinstance(dicts, (tuple, list)) else (dicts,):
        given.update(part)
    # names of shared modules and Tensors included, since either may be used
    places = {name: (inner, word) for name, inner, word in _places(module, "")}
    before = {name: inner.__dict__[word] for name, (inner, word) in places.items()}
    unexpected = [name for name in given if name not in places]
    values = {name: value for name, value in given.items() if name in places}
    if tie_weights:
        by_tensor: dict[int, Any] = {}
        for name, value in values.items():
            if by_tensor.setdefault(id(before[name]), value) is not value:
                raise messages.tied(type(module).__name__, name)
        values = {name: by_tensor[id(old)] for name, old in before.items() if id(old) in by_tensor}
    missing = [name for name in places if name not in values] if strict else []
    if missing or unexpected:
        raise messages.state_mismatch(type(module).__name__, missing, unexpected, [])
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for name, value in values.items():
            inner, word = places[name]
            inner.__dict__[word] = value
        return module(*args, **(kwargs or {}))
    finally:
        for name in values:
            inner, word = places[name]
            inner.__dict__[word] = before[name]


def _places(module: Module, prefix: str) -> Any:
    """Yield the name of each parameter and buffer, under each of its names, with its module and attribute."""
    for word, _ in module._own(PARAMETER, BUFFER, TRANSIENT):
        yield prefix + word, module, word
    for name, child in module._own("module"):
        yield from _places(child, f"{prefix}{name}.")
