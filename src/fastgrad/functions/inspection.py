"""What the Python array API standard asks a namespace: its dtypes, devices and capabilities, and the limits of dtypes.

Imported at first use.
"""

import numpy as np

from fastgrad import devices, errors
from fastgrad._engine import Tensor, asarray

_TAKES_OPTIONS = np.lib.NumpyVersion(np.__version__) >= "2.1.0"  # np.from_dlpack
_KINDS = {
    "bool": "bool",
    "signed integer": "int8 int16 int32 int64",
    "unsigned integer": "uint8 uint16 uint32 uint64",
    "real floating": "float32 float64",
    "complex floating": "complex64 complex128",
}
_UNIONS = {
    "integral": ("signed integer", "unsigned integer"),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}


class __array_namespace_info__:
    """Inspection of the namespace, as the Python array API standard defines it.

    Examples
    --------
    >>> info = fg.__array_namespace_info__()
    >>> info.default_dtypes()["real floating"]
    dtype('float64')
    """

    def capabilities(self):
        """Return what the namespace supports.

        Returns
        -------
        dict
            "boolean indexing" and "data-dependent shapes": True. "max dimensions": 64, as in NumPy.
        """
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        """Return the device that new Tensors have: `fg.device("cpu")`."""
        return devices.CPU

    def devices(self):
        """Return the devices: a list of one, the CPU."""
        return [devices.CPU]

    def default_dtypes(self, *, device=None):
        """Return the dtypes of new Tensors for which no dtype is given.

        Parameters
        ----------
        device : "cpu", optional

        Returns
        -------
        dict
            Dtypes by the keys "real floating", "complex floating", "integral" and "indexing".

        Raises
        ------
        DeviceError
            If the device is not the CPU.
        """
        devices.check(device)
        return {
            "real floating": np.dtype(np.float64),
            "complex floating": np.dtype(np.complex128),
            "integral": np.dtype(np.int_),
            "indexing": np.dtype(np.intp),
        }

    def dtypes(self, *, device=None, kind=None):
        """Return the dtypes that a Tensor can hold.

        Parameters
        ----------
        device : "cpu", optional
        kind : str or tuple of str, optional
            "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating" or "numeric".
            By default all dtypes.

        Returns
        -------
        dict
            Dtypes by their names.

        Raises
        ------
        ValueError
            If there is no such kind.
        """
        devices.check(device)
        kinds = tuple(_KINDS) if kind is None else kind if isinstance(kind, tuple) else (kind,)
        parts = [part for one in kinds for part in _UNIONS.get(one, (one,))]
        for part in parts:
            if part not in _KINDS:
                raise errors.BadSetting(f"dtypes: there is no kind {part!r}: use one of {', '.join(_NAMES)}")
        return {name: np.dtype(name) for part in _KINDS if part in parts for name in _KINDS[part].split()}


_NAMES = [repr(name) for name in (*_KINDS, *_UNIONS)]


def _dtype_of(x):
    """Return a dtype, or the dtype of an array or scalar."""
    return np.dtype(x if isinstance(x, type) else getattr(x, "dtype", x))


class _Limits:
    """The limits of a dtype as Python numbers; other attributes are those of NumPy's object."""

    __slots__ = ("_numpy", "bits", "dtype", "max", "min")

    def __init__(self, found, number):
        self._numpy = found
        self.dtype = np.dtype(found.dtype)
        self.bits = int(found.bits)
        self.max, self.min = number(found.max), number(found.min)

    def __getattr__(self, name):
        return getattr(object.__getattribute__(self, "_numpy"), name)

    def __reduce__(self):
        return type(self), (self.dtype,)

    def __eq__(self, other):
        return type(other) is type(self) and other.dtype == self.dtype

    def __hash__(self):
        return hash((type(self), self.dtype))


class finfo(_Limits):
    """Machine limits of a floating dtype.

    Parameters
    ----------
    type : dtype, array or scalar
        Of a floating or complex dtype. The limits of a complex dtype are those of its real and imaginary parts.

    Attributes
    ----------
    bits : int
        The number of bits of a real number.
    eps : float
        The distance from 1 to the next larger number.
    max : float
        The largest number.
    min : float
        The smallest number, `-max`.
    smallest_normal : float
        The smallest positive number of full precision.
    dtype : dtype
        The real dtype.

    Raises
    ------
    ValueError
        If the dtype is not floating.

    Notes
    -----
    The other attributes are those of `numpy.finfo`.
    """

    __slots__ = ("eps", "smallest_normal")

    def __init__(self, type, /):
        found = np.finfo(_dtype_of(type))
        super().__init__(found, float)
        self.eps, self.smallest_normal = float(found.eps), float(found.smallest_normal)

    def __repr__(self):
        return (
            f"finfo(bits={self.bits}, eps={self.eps}, max={self.max}, min={self.min}, "
            f"smallest_normal={self.smallest_normal}, dtype={self.dtype.name})"
        )


class iinfo(_Limits):
    """Machine limits of an integer dtype.

    Parameters
    ----------
    type : dtype, array or scalar
        Of an integer dtype.

    Attributes
    ----------
    bits : int
        The number of bits of a number.
    max : int
        The largest number.
    min : int
        The smallest number.
    dtype : dtype
        The dtype.

    Raises
    ------
    ValueError
        If the dtype is not an integer dtype.
    """

    __slots__ = ()

    def __init__(self, type, /):
        super().__init__(np.iinfo(_dtype_of(type)), int)

    def __repr__(self):
        return f"iinfo(bits={self.bits}, max={self.max}, min={self.min}, dtype={self.dtype.name})"


def from_dlpack(x, /, *, device=None, copy=None):
    """Return a Tensor of an array of another library, through DLPack.

    Parameters
    ----------
    x : object with `__dlpack__` and `__dlpack_device__`
    device : "cpu", optional
    copy : bool, optional
        True copies. False shares the memory, and raises if that is impossible. None copies only if necessary.

    Returns
    -------
    Tensor
        If it shares the memory of `x`, code that writes to `x` also changes the Tensor. A Tensor is returned as by
        `fg.asarray`, with its gradient.

    Raises
    ------
    DeviceError
        If the device is not the CPU.
    """
    devices.check(device)
    if isinstance(x, Tensor):
        return asarray(x, copy=copy)
    options = {"device": device and "cpu", "copy": copy} if _TAKES_OPTIONS else {}
    return asarray(np.from_dlpack(x, **options), copy=None if _TAKES_OPTIONS else copy)


def broadcast_shapes(*shapes):
    """Return the shape of the result of an elementwise function of arrays of these shapes.

    Parameters
    ----------
    *shapes : int or tuple of int

    Returns
    -------
    tuple of int

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise errors.broadcast("broadcast_shapes", *shapes) from None
