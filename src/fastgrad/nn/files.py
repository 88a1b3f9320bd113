"""State dicts in files: `.npz`, which NumPy reads, and `.safetensors`, which others of the field read. No pickles."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastgrad._engine import Tensor, asarray
from fastgrad.nn import messages
from fastgrad.nn.module import Module


def _arrays(state: Any) -> dict[str, np.ndarray]:
    if isinstance(state, Module):
        state = state.state_dict()
    if not isinstance(state, Mapping):
        raise messages.not_saved(type(state).__name__)
    out = {}
    for name, value in state.items():
        array = np.asarray(value.detach().numpy() if isinstance(value, Tensor) else value)
        if not isinstance(name, str) or array.dtype.kind not in "biufc":
            raise messages.not_saved_entry(name, type(value).__name__)
        out[name] = array if array.flags.c_contiguous else np.array(array, order="C")
    return out


def _suffix(path: str) -> str:
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in (".npz", ".safetensors"):
        raise messages.unknown_file(path)
    return suffix


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise messages.no_safetensors() from error
    return safetensors.numpy


def save(state: Any, path: str | os.PathLike[str]) -> None:
    """Write a state dict to a file, whose name says how.

    The file is written beside its place and then moved there, so that an earlier one of that name is replaced as a
    whole or not at all.

    Parameters
    ----------
    state : Module, or mapping of str to Tensor or array
    path : str or path
        Ending in ".npz", or in ".safetensors", for which the package safetensors must be installed
        (`pip install fastgrad[safetensors]`).

    Raises
    ------
    ValueError
        For another ending.
    TypeError
        For what is no mapping of names to numbers.
    ImportError
        Where safetensors is wanted and not installed.
    """
    path = os.fspath(path)
    suffix, arrays = _suffix(path), _arrays(state)
    beside = f"{path}.{os.getpid()}.part"
    try:
        if suffix == ".npz":
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as file:
                for name, array in arrays.items():  # not np.savez, which takes no entry named "file"
                    with file.open(name + ".npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, array, allow_pickle=False)
        else:
            _safetensors().save_file(arrays, beside)
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.remove(beside)


def load(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read a state dict from a file that `save` wrote, or another program of the same format.

    Parameters
    ----------
    path : str or path
        Ending in ".npz" or ".safetensors".

    Returns
    -------
    dict of str to Tensor
        For `module.load_state_dict`.

    Raises
    ------
    StateError
        For a file that is not of the format its name promises.
    """
    path = os.fspath(path)
    try:
        if _suffix(path) == ".npz":
            with open(path, "rb") as raw:
                file = np.load(raw, allow_pickle=False)
                if not isinstance(file, np.lib.npyio.NpzFile):
                    raise ValueError("it holds one array without a name")
                arrays = {name: file[name] for name in file.files}
        else:
            arrays = _safetensors().load_file(path)
    except (OSError, ImportError):
        raise
    except Exception as error:  # each format has classes of its own for what is broken
        if isinstance(error, messages.StateError):
            raise
        raise messages.broken_file(path, error) from error
    return {name: asarray(array) for name, array in arrays.items()}
