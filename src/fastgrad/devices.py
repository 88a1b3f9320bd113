"""The CPU, the only device, in PyTorch's spelling: `fg.device("cpu")`, and the check of `device=` arguments."""

import numpy as np

from fastgrad import errors


class DeviceError(errors.FastgradError, RuntimeError):
    """A device other than the CPU was requested."""


class device(str):
    """The device of a tensor: a string, always "cpu". PyTorch's spelling.

    Parameters
    ----------
    type : str or device, default "cpu"

    Raises
    ------
    DeviceError
        If it is not the CPU.

    Attributes
    ----------
    type : str
        Always "cpu".
    index : None
        The CPU has no number.
    """

    __slots__ = ()
    type = "cpu"
    index = None

    def __new__(cls, type="cpu", index=None):
        check(type)
        return super().__new__(cls, "cpu")

    def __repr__(self):
        return "device(type='cpu')"


def check(wanted):
    """Raise DeviceError unless `wanted` is None or the CPU."""
    if wanted is not None and str(wanted).partition(":")[0] != "cpu":
        raise DeviceError(
            f"fastgrad computes on the CPU, got device {str(wanted)!r}: use device='cpu', or omit .to(...) and .cuda()"
        )


def is_dtype(name):
    """Return whether a str, given for a device or a dtype, is the name of a dtype."""
    try:
        np.dtype(name)
    except TypeError:
        return False
    return True


CPU = device()
