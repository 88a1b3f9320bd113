"""One step of RNN, LSTM and GRU, with PyTorch's parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from fastgrad._engine import Tensor, asarray
from fastgrad.functions.constants import empty, zeros
from fastgrad.nn import functional as F
from fastgrad.nn import init
from fastgrad.nn.module import Module, Parameter
from fastgrad.nn.random import generator
from fastgrad.rules import messages
from fastgrad.rules.recurrent import gru, lstm, rnn


class _Cell(Module):
    """Base of the three cells: parameters, and shapes of input and state."""

    _gates, _states = 1, 1
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        for word, value in ("input_size", input_size), ("hidden_size", hidden_size):
            if not isinstance(value, int) or value < 1:
                raise messages.layer_size(type(self).__name__, word, value, "it must be an int of at least 1")
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self._gates * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), dtype=dtype))
        for name in "bias_ih", "bias_hh":
            self.register_parameter(name, Parameter(empty(rows, dtype=dtype)) if bias else None)
        self.reset_parameters(rng=rng)

    def reset_parameters(self, *, rng: init.Rng = None) -> None:
        """Draw new values for all parameters."""
        rng, bound = generator(rng), 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound, rng=rng)

    def _run(self, x: Any, states: list[Any] | None) -> list[Tensor]:
        """Return the next states, each of the shape of the states before."""
        name = type(self).__name__
        x = x if isinstance(x, Tensor) else asarray(x)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise messages.cell_shape(name, x.shape, self.input_size)
        shape = (*x.shape[:-1], self.hidden_size)
        if states is None:
            states = [zeros(shape, dtype=self.weight_hh.dtype)] * self._states
        found = [state if isinstance(state, Tensor) else asarray(state) for state in states]
        for state in found:
            if state.shape != shape:
                raise messages.first_state(name, state.shape, shape)
        batch = x.shape[0] if x.ndim == 2 else 1
        rows = [state.reshape((batch, self.hidden_size)) for state in found]
        u = F.linear(x, self.weight_ih).reshape((1, batch, self.weight_ih.shape[0]))
        return [state.reshape(shape) for state in self._step(u, rows)]

    def _bias(self) -> Tensor | None:
        return None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh

    def _step(self, u: Tensor, states: list[Tensor]) -> list[Tensor]:
        raise NotImplementedError

    def forward(self, input: Any, hx: Any = None) -> Any:
        return self._run(input, None if hx is None else [hx])[0]

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


_PARAMETERS = """
    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    {nonlinearity}dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Attributes
    ----------
    weight_ih : Tensor, shape ({gates}hidden_size, input_size)
    weight_hh : Tensor, shape ({gates}hidden_size, hidden_size)
    bias_ih, bias_hh : Tensor, shape ({gates}hidden_size,), or None
        All are drawn from U(-k, k), `k = 1 / sqrt(hidden_size)`.

    Raises
    ------
    ShapeError
        If a size is less than 1, or input or state do not fit.

    Notes
    -----
    The module is called with an input, (batch, input_size) or (input_size,), and optionally with the state {states} of
    shape (batch, hidden_size) or (hidden_size,), zeros by default. It returns the next state.
    """


def _documented(nonlinearity: str, gates: str, states: str) -> Any:
    """Append the common sections to the docstring of a class."""

    def decorate(cls: Any) -> Any:
        common = _PARAMETERS.format(nonlinearity=nonlinearity, gates=gates, states=states)
        cls.__doc__ = f"{cls.__doc__.rstrip()}\n{common}"
        return cls

    return decorate


@_documented('nonlinearity : {"tanh", "relu"}\n    ', "", "`h`")
class RNNCell(_Cell):
    """`tanh(x @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh)`, or with relu."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise messages.bad_nonlinearity("RNNCell", nonlinearity)
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias, dtype=dtype, rng=rng)

    def _step(self, u: Tensor, states: list[Tensor]) -> list[Tensor]:
        return [rnn(u, self.weight_hh, *states, self._bias(), self.nonlinearity)[1]]


@_documented("", "4 * ", "`(h, c)`, a pair, each")
class LSTMCell(_Cell):
    """One step of `LSTM`: `c = sigmoid(f) * c + sigmoid(i) * tanh(g)` and `h = sigmoid(o) * tanh(c)`."""

    _gates, _states = 4, 2

    def _step(self, u: Tensor, states: list[Tensor]) -> list[Tensor]:
        made = lstm(u, self.weight_hh, *states, self._bias())
        return [made[0, 1], made[1, 1]]

    def forward(self, input: Any, hx: Any = None) -> Any:
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise messages.layer_size("LSTMCell", "hx", type(hx).__name__, "it must be a pair (h, c)")
        return tuple(self._run(input, None if hx is None else list(hx)))


@_documented("", "3 * ", "`h`")
class GRUCell(_Cell):
    """One step of `GRU`: `h = (1 - z) * n + z * h`, with `n = tanh(x_n + r * h_n)`."""

    _gates = 3

    def _step(self, u: Tensor, states: list[Tensor]) -> list[Tensor]:
        biases = () if self.bias_ih is None else (self.bias_ih, self.bias_hh)
        return [gru(u, self.weight_hh, *states, *biases)[1]]
