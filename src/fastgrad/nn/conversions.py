"""Conversion of all parameters and buffers of a module to another dtype. Base class of Module."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastgrad import devices
from fastgrad._engine import Tensor
from fastgrad.nn import messages
from fastgrad.nn.states import BUFFER, PARAMETER, TRANSIENT


def _is_cpu(device: Any) -> bool:
    """Return whether `device` is the CPU; raise if it is another device, and return False if it is none."""
    kind = getattr(device, "type", device)
    if not isinstance(kind, str):
        return False
    if not devices.is_dtype(kind):
        devices.check(kind)
        return True
    return False


class Conversions:
    """What a Module does to convert its parameters and buffers."""

    def to(
        self, *args: Any, dtype: npt.DTypeLike | None = None, device: Any = None, non_blocking: bool = False
    ) -> Self:
        """Convert all floating parameters and buffers to a dtype.

        Parameters become new Tensors if their dtype differs: create the optimizer afterwards.

        Parameters
        ----------
        *args : dtype, Tensor, or device
            A Tensor stands for its dtype. The only device is the CPU, "cpu".
        dtype : dtype, optional
        device : optional
        non_blocking : bool
            Accepted for PyTorch's signature; without effect.

        Raises
        ------
        DeviceError
            If the device is another one.
        DTypeError
            If the dtype is not floating.
        """
        for given in (*args, device):
            if given is None or isinstance(given, bool) or _is_cpu(given):
                continue
            dtype = given.dtype if isinstance(given, Tensor) else given
        return self if dtype is None else self._in_dtype(np.dtype(dtype))

    def _in_dtype(self, dtype: np.dtype) -> Self:
        if dtype.kind not in "fc":
            raise messages.not_floating(type(self).__name__, dtype)
        made: dict[int, Tensor] = {}
        for module in self.modules():  # type: ignore[attr-defined]
            for name, old in list(module._own(PARAMETER, BUFFER, TRANSIENT)):
                if old.dtype.kind not in "fc" or old.dtype == dtype:
                    continue
                if id(old) not in made:
                    made[id(old)] = old.detach().astype(dtype).requires_grad_(old.requires_grad)
                module.__dict__[name] = made[id(old)]
        return self

    def float(self) -> Self:
        """Convert all floating parameters and buffers to float32, as `to(float32)`."""
        return self._in_dtype(np.dtype(np.float32))

    def double(self) -> Self:
        """Convert all floating parameters and buffers to float64, as `to(float64)`."""
        return self._in_dtype(np.dtype(np.float64))

    def type(self, dst_type: npt.DTypeLike) -> Self:
        """Convert all floating parameters and buffers to `dst_type`, as `to(dst_type)`."""
        return self._in_dtype(np.dtype(dst_type))

    def cpu(self) -> Self:
        """Return the module, which is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raise: there is no GPU."""
        devices.check("cuda")
