"""States in files: `.npz`, NumPy's format, and `.safetensors`. No pickles."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fastgrad._engine import asarray
from fastgrad.nn import formats, messages, structure
from fastgrad.nn.atomic import atomic_write


def save(state: Any, path: str | os.PathLike[str]) -> None:
    """Write a state to a file. The suffix of the file name selects the format.

    The data are written to a temporary file in the same folder, flushed to the disk, and moved to `path`. An existing
    file is replaced completely or not at all, and concurrent readers and writers never see a partial file. Symbolic
    links are followed, the mode of an existing file is kept, and a read-only file is not replaced.

    Parameters
    ----------
    state : Module, mapping of str to Tensor or array, or nested mapping
        A nested mapping, such as `optimizer.state_dict()` or `{"model": model, "optimizer": optimizer, "epoch": 3}`,
        may contain mappings with keys of str or int, lists, tuples, numbers, text, None, Tensors, arrays, generators
        of `numpy.random`, and objects with a `state_dict()`.
    path : str or path
        Ends in ".npz", or in ".safetensors", which requires the package safetensors
        (`pip install fastgrad[safetensors]`).

    Raises
    ------
    StateError
        If the suffix is unknown, or a name is not allowed in the format.
    DTypeError
        If `load` could not restore a value: text beside arrays, dates, objects, float16, masked arrays.
    OSError
        As raised by `open(path, "wb")`, or if the disk is full. The existing file is kept, and no temporary file
        remains.
    ImportError
        If safetensors is required and not installed.
    """
    path = os.fspath(path)
    format = formats.suffix(path)
    if not isinstance(state, Mapping) and callable(getattr(state, "state_dict", None)):
        state = state.state_dict()
    if not isinstance(state, Mapping):
        raise messages.not_saved(type(state).__name__)
    text = None
    if structure.is_nested(state):
        arrays, text = structure.to_arrays(state, format)
    else:
        arrays = structure.flat(state, format)
    if format == ".safetensors":
        formats.safetensors()  # raises before anything is written
    with atomic_write(path) as file:
        formats.write(file, format, arrays, text)


def load(path: str | os.PathLike[str], *, limit: int = 1 << 30) -> dict[str, Any]:
    """Read a state from a file written by `save`, or a state dict written by another program in the same format.

    Parameters
    ----------
    path : str or path
        Ends in ".npz" or ".safetensors".
    limit : int
        The maximum size of the arrays of a compressed file in bytes, by default 1 GiB. The arrays of an uncompressed
        file may be as large as the file.

    Returns
    -------
    dict of str to Tensor
        For `module.load_state_dict`. For a nested state, the nested state, with Tensors in place of arrays.

    Raises
    ------
    StateError
        If the file is invalid. The message names the file and the entry.
    OSError
        As raised by `open(path, "rb")`.
    """
    path = os.fspath(path)
    arrays, text = formats.read(path, limit)
    if text is None:
        return {name: asarray(array) for name, array in arrays.items()}
    try:
        return structure.from_arrays(text, arrays)
    except Exception as error:  # the text may be anything
        raise messages.broken_file(path, formats.STRUCTURE, error) from error
