"""Named arrays in `.npz` and `.safetensors` files. Reading does not trust the file."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from fastgrad.nn import messages
from fastgrad.nn.atomic import UnbufferedFile

DTYPES = {np.dtype(c) for c in "?bBhHiIlLqQfdFD"}  # the dtypes of Tensors
STRUCTURE = "fastgrad.json"  # the entry of a .npz, or metadata key of a .safetensors, for the JSON of a nested state
_SAFE = {
    "F64": "<f8", "F32": "<f4", "C64": "<c8", "BOOL": "?", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1",
}  # fmt: skip


def suffix(path: str) -> str:
    """Return the format selected by a file name."""
    found = os.path.splitext(path)[1].lower()
    if found not in (".npz", ".safetensors"):
        raise messages.unknown_file(path)
    return found


def invalid_name(name: str, format: str) -> str | None:
    """Return why a file of this format cannot have an entry of this name, or None."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return "it contains half of a surrogate pair"
    if format == ".npz" and "\0" in name:
        return "names in a .npz end at the first NUL"
    if format == ".npz" and length > 65_000:
        return "names in a .npz have at most 65,000 bytes"
    if format == ".npz" and os.sep != "/" and os.sep in name:
        return f"a .npz replaces {os.sep} by /"
    if format == ".safetensors" and name == "__metadata__":
        return "__metadata__ is reserved in a .safetensors"
    return None


def unsupported_dtype(dtype: np.dtype, format: str) -> bool:
    """Return whether a file of this format cannot store the dtype."""
    native = dtype.newbyteorder("=")
    return native not in DTYPES or (
        format == ".safetensors" and native.newbyteorder("<").str.lstrip("|") not in _STORED
    )


_STORED = {np.dtype(code).str.lstrip("|") for code in _SAFE.values()}


def safetensors() -> Any:
    """Import the optional package."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise messages.no_safetensors() from error
    return safetensors.numpy


def write(file: UnbufferedFile, format: str, arrays: dict[str, np.ndarray], structure: str | None) -> None:
    """Write contiguous arrays in native byte order, and the text of a nested state."""
    if format == ".safetensors":
        file.write(safetensors().save(arrays, metadata=None if structure is None else {STRUCTURE: structure}))
        return
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():  # not np.savez, which does not accept the name "file"
            with archive.open(name + ".npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
        if structure is not None:
            archive.writestr(STRUCTURE, structure)


@contextmanager
def _reading(path: str, entry: str | None = None) -> Iterator[None]:
    """Convert all errors of reading a file to a StateError that names the file and the entry."""
    try:
        yield
    except messages.StateError:
        raise
    except Exception as error:  # each format has its own classes of errors
        if isinstance(error, OSError) and error.errno not in (None, 22):  # 22: a position before the start of the file
            raise
        raise messages.broken_file(path, entry, error) from error


def read(path: str, limit: int) -> tuple[dict[str, np.ndarray], str | None]:
    """Return the arrays of a file by name, and the text of a nested state or None."""
    format = suffix(path)
    if format == ".safetensors":
        safetensors()
    with open(path, "rb") as file, _reading(path):
        size = os.fstat(file.fileno()).st_size
        return (_read_npz if format == ".npz" else _read_safetensors)(path, file, size, limit)


# --- .npz


def _read_npz(path: str, file: BinaryIO, size: int, limit: int) -> tuple[dict[str, np.ndarray], str | None]:
    if file.read(6) == b"\x93NUMPY":
        raise ValueError("it contains one array without a name")
    file.seek(0)
    arrays: dict[str, np.ndarray] = {}
    structure = None
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        declared = sum(entry.file_size for entry in entries)
        if declared > max(limit, size):
            raise messages.too_large(path, declared, limit)
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            with _reading(path, name):
                if entry.filename == STRUCTURE:
                    if structure is not None:
                        raise ValueError("it occurs twice")
                    structure = archive.read(entry).decode()
                elif name == entry.filename:
                    raise ValueError("it is not a .npy")
                elif name in arrays:
                    raise ValueError("it occurs twice")
                else:
                    arrays[name] = _read_array(archive, entry)
    return arrays, structure


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"format {version} of .npy is for names that are not ASCII")
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = header(stream)
        _check_dtype(dtype)
        count = math.prod(shape)
        if min(shape, default=0) < 0 or count * dtype.itemsize != entry.file_size - stream.tell():
            raise ValueError(f"shape {shape} of {dtype} does not fit its {entry.file_size} bytes")
        data = bytearray(count * dtype.itemsize)
        _fill(stream, data)
        if stream.read(1):  # at the end, zipfile compares the checksum
            raise ValueError("it is longer than declared")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
    return array.astype(dtype.newbyteorder("="), order="C", copy=False)


def _fill(stream: Any, data: bytearray) -> None:
    view, done = memoryview(data), 0
    while done < len(data):
        got = stream.readinto(view[done : done + (1 << 20)])
        if not got:
            raise EOFError(f"it ends after {done} of {len(data)} bytes")
        done += got


def _check_dtype(dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise ValueError("it contains Python objects, which NumPy reads with allow_pickle=True only, and would execute")
    if unsupported_dtype(dtype, ".npz"):
        raise ValueError(f"it is of dtype {dtype}, which a Tensor cannot hold")


# --- .safetensors: 8 bytes with the length of the header, the header in JSON, and the concatenated arrays


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        twice = next(key for key in made if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f"{twice!r} occurs twice")
    return made


def _read_safetensors(path: str, file: BinaryIO, size: int, limit: int) -> tuple[dict[str, np.ndarray], str | None]:
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(size - 8, 100_000_000):
        raise ValueError(f"a header of {length} bytes in a file of {size}")
    header = json.loads(file.read(length).decode(), object_pairs_hook=_once)
    if not isinstance(header, dict):
        raise ValueError("its header is not a dict")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("__metadata__ is not a dict of text")
    arrays: dict[str, np.ndarray] = {}
    places = []
    for name, entry in header.items():
        with _reading(path, name):
            if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
                raise ValueError("its keys must be dtype, shape and data_offsets")
            if entry["dtype"] not in _SAFE:
                raise ValueError(f"it is of dtype {entry['dtype']}, which a Tensor cannot hold")
            dtype, shape, offsets = np.dtype(_SAFE[entry["dtype"]]), entry["shape"], entry["data_offsets"]
            for numbers in shape, offsets:
                if not isinstance(numbers, list) or not all(type(n) is int and n >= 0 for n in numbers):
                    raise ValueError(f"{numbers!r} are not non-negative integers")
            start, end = offsets
            if end - start != math.prod(shape) * dtype.itemsize or 8 + length + end > size:
                raise ValueError(f"shape {shape} of {dtype} does not fit bytes {start} to {end}")
            file.seek(8 + length + start)
            data = bytearray(end - start)
            _fill(file, data)
            arrays[name] = np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
            places.append((start, end))
    at = 0
    for start, end in sorted(places):
        if start != at:
            raise ValueError(f"its arrays overlap or leave a gap at byte {at}")
        at = end
    if 8 + length + at != size:
        raise ValueError(f"its arrays end at byte {8 + length + at} of {size}")
    return arrays, metadata.get(STRUCTURE)
