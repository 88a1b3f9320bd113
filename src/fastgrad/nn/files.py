"""States in files: `.npz`, which NumPy reads, and `.safetensors`, which others of the field read. No pickles."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fastgrad._engine import asarray
from fastgrad.nn import formats, messages, structure
from fastgrad.nn.atomic import replacing


def save(state: Any, path: str | os.PathLike[str]) -> None:
    """Write a state to a file, whose name says how.

    The file is written beside its place, flushed to the disk and then moved there: an earlier one of that name is
    replaced as a whole or not at all, and readers and other writers, in threads or processes, never meet half of one.
    A symbolic link is followed, the mode of the earlier file is kept, and a read-only one is not replaced.

    Parameters
    ----------
    state : Module, mapping of str to Tensor or array, or nested mapping
        Nested ones, as `optimizer.state_dict()` or `{"model": model, "optimizer": optimizer, "epoch": 3}`, may hold
        mappings with keys of str or int, lists, tuples, numbers, text, None, Tensors, arrays, generators of
        `numpy.random`, and whatever has a `state_dict()`.
    path : str or path
        Ending in ".npz", or in ".safetensors", for which the package safetensors must be installed
        (`pip install fastgrad[safetensors]`).

    Raises
    ------
    StateError
        For another ending, and names that the format cannot have.
    DTypeError
        For values that `load` could not give back: text beside arrays, dates, objects, float16, masked arrays.
    OSError
        As of `open(path, "wb")`; the disk is full. Then, too, the earlier file stays and nothing is left.
    ImportError
        Where safetensors is wanted and not installed.
    """
    path = os.fspath(path)
    format = formats.suffix(path)
    if not isinstance(state, Mapping) and callable(getattr(state, "state_dict", None)):
        state = state.state_dict()
    if not isinstance(state, Mapping):
        raise messages.not_saved(type(state).__name__)
    text = None
    if structure.is_nested(state):
        arrays, text = structure.taken_apart(state, format)
    else:
        arrays = structure.flat(state, format)
    if format == ".safetensors":
        formats.safetensors()  # before anything is written
    with replacing(path) as file:
        formats.write(file, format, arrays, text)


def load(path: str | os.PathLike[str], *, limit: int = 1 << 30) -> dict[str, Any]:
    """Read a state from a file that `save` wrote, or a state dict that another program wrote in the same format.

    Parameters
    ----------
    path : str or path
        Ending in ".npz" or ".safetensors".
    limit : int
        How many bytes the arrays of a compressed file may have, 1 GiB unless more is allowed. Arrays that are not
        compressed may have as many as the file itself.

    Returns
    -------
    dict of str to Tensor
        For `module.load_state_dict`; or, of a nested state, what was saved, with Tensors for arrays.

    Raises
    ------
    StateError
        Names the file, and the entry, with which anything is wrong.
    OSError
        As of `open(path, "rb")`.
    """
    path = os.fspath(path)
    arrays, text = formats.read(path, limit)
    if text is None:
        return {name: asarray(array) for name, array in arrays.items()}
    try:
        return structure.put_together(text, arrays)
    except Exception as error:  # whatever the text may say
        raise messages.broken_file(path, formats.STRUCTURE, error) from error
