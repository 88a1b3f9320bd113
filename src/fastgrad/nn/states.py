"""The state of a module: parameters and persistent buffers by name, saved and loaded. Base class of Module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from fastgrad._engine import Tensor, no_grad
from fastgrad._state import converted
from fastgrad.errors import FastgradError
from fastgrad.nn import messages
from fastgrad.tracebacks import boundary

PARAMETER, BUFFER, TRANSIENT, MODULE = "parameter", "buffer", "buffer that is not saved", "module"


class IncompatibleKeys(NamedTuple):
    """The names that `load_state_dict` did not find in the state dict, and those that it did not use."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class States:
    """What a Module does with its state."""

    def _own(self, *kinds: str) -> Iterator[tuple[str, Any]]:
        raise NotImplementedError

    def _named_states(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Yield name and Tensor of everything in the state dict, in PyTorch's order; shared ones under each name."""
        for kind in PARAMETER, BUFFER:
            for name, value in self._own(kind):
                yield prefix + name, value
        for name, module in self._own(MODULE):
            yield from module._named_states(f"{prefix}{name}.")

    def state_dict(self) -> dict[str, Tensor]:
        """Return parameters and persistent buffers by name, with PyTorch's names and order.

        The Tensors share memory with the module: copy those that must not change at the next training step.
        """
        return {name: value.detach() for name, value in self._named_states()}

    @boundary
    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy the values of a state dict to the parameters and buffers, in place. On an error nothing is loaded.

        Parameters
        ----------
        state_dict : mapping of str to Tensor or array
            As returned by `state_dict()`, or PyTorch's with its tensors converted to NumPy. Values are converted to the
            dtype of the parameter or buffer.
        strict : bool
            Whether missing and unexpected names are errors, or ignored. Shapes must fit in any case.

        Returns
        -------
        IncompatibleKeys
            `missing_keys` and `unexpected_keys`.

        Raises
        ------
        StateError
            If entries are missing, unexpected or of another shape, or their values do not fit the dtype, as a NaN in an
            integer buffer.
        """
        if not isinstance(state_dict, Mapping):
            raise messages.no_state_dict(type(state_dict).__name__)
        own = dict(self._named_states())
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        values, unfit = {}, []
        for name, mine in own.items():
            if name not in state_dict:
                continue
            value = converted(state_dict[name], mine.shape, mine.dtype)
            if isinstance(value, str):
                unfit.append(f"{name}: {value}")
            else:
                values[name] = value
        if unfit or (strict and (missing or unexpected)):
            raise messages.state_mismatch(type(self).__name__, *((missing, unexpected) if strict else ([], [])), unfit)
        self._write(own, values)
        return IncompatibleKeys(missing, unexpected)

    def _write(self, own: dict[str, Tensor], values: dict[str, np.ndarray]) -> None:
        """Write all values; if one cannot be written, restore those that were."""
        before: list[tuple[Tensor, np.ndarray]] = []
        name = ""
        with no_grad():
            try:
                for name, value in values.items():
                    before.append((own[name], own[name].detach().numpy().copy()))
                    own[name][...] = value
            except BaseException as error:
                for p, value in reversed(before):
                    if p.detach().numpy().tobytes() != value.tobytes():  # skips the one that cannot be written
                        p[...] = value
                if isinstance(error, FastgradError):
                    raise messages.not_written(type(self).__name__, name, error) from error
                raise
