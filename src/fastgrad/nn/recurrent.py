"""RNN, LSTM and GRU over sequences, with PyTorch's parameters. Each layer and direction is one op over all steps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastgrad._engine import Tensor, asarray
from fastgrad.functions.constants import empty
from fastgrad.functions.joining import concat
from fastgrad.nn import functional as F
from fastgrad.nn import init
from fastgrad.nn.messages import bad_probability
from fastgrad.nn.module import Module, Parameter
from fastgrad.nn.random import generator
from fastgrad.rules import messages
from fastgrad.rules.recurrent import gru, lstm, rnn


class _Recurrent(Module):
    """Base of the three networks: parameters, layers, directions, and the shapes of sequences."""

    _gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        name = type(self).__name__
        for word, value in ("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers):
            if not isinstance(value, int) or value < 1:
                raise messages.layer_size(name, word, value, "it must be an int of at least 1")
        if not 0 <= dropout <= 1:
            raise bad_probability(name, "dropout", dropout)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bidirectional
        rows = self._gates * hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else hidden_size * len(self._directions())
            for direction in self._directions():
                names = self._names(layer, direction)
                shapes = (rows, width), (rows, hidden_size), (rows,), (rows,)
                for word, shape in zip(names, shapes, strict=False):
                    setattr(self, word, Parameter(empty(shape, dtype=dtype)))
        self.reset_parameters(rng=rng)

    def _directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def _names(self, layer: int, direction: str) -> list[str]:
        words = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if self.bias else 2]
        return [f"{word}_l{layer}{direction}" for word in words]

    def reset_parameters(self, *, rng: init.Rng = None) -> None:
        """Draw new values for all parameters."""
        rng, bound = generator(rng), 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound, rng=rng)

    def _sequence(self, u: Tensor, weight: Tensor, first: list[Tensor], biases: list[Tensor]) -> Tensor:
        """Return all states, including the initial one: (steps + 1, batch, hidden); for LSTM those of h and of c."""
        raise NotImplementedError

    def _direction(self, x: Tensor, names: list[str], first: list[Tensor]) -> Tensor:
        """Return the states of one layer in one direction."""
        weight_ih, weight_hh, *biases = (getattr(self, name) for name in names)
        steps, batch, width = x.shape
        u = x.reshape((steps * batch, width)) @ weight_ih.T
        return self._sequence(u.reshape((steps, batch, weight_ih.shape[0])), weight_hh, first, biases)

    def _run(self, x: Any, first: list[Any] | None) -> tuple[Tensor, list[Tensor]]:
        """Return the output of the last layer, and the final states, each (layers * directions, batch, hidden)."""
        name = type(self).__name__
        x = x if isinstance(x, Tensor) else asarray(x)
        single = x.ndim == 2
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise messages.sequence_shape(name, x.shape, self.input_size, self.batch_first)
        if single:
            x = x.reshape((len(x), 1, self.input_size))
        elif self.batch_first:
            x = x.permute_dims((1, 0, 2))
        directions = self._directions()
        wanted = (self.num_layers * len(directions), x.shape[1], self.hidden_size)
        starts = self._initial_states(name, first, wanted, single, x)
        last: list[list[Tensor]] = []
        for layer in range(self.num_layers):
            outputs = []
            for k, direction in enumerate(directions):
                number = layer * len(directions) + k
                run = x[::-1] if direction else x
                states = self._direction(run, self._names(layer, direction), [s[number] for s in starts])
                steps = slice(None, 0, -1) if direction else slice(1, None)
                if self._gates == 4:
                    outputs.append(states[0, steps])
                    last.append([states[0, -1:], states[1, -1:]])
                else:
                    outputs.append(states[steps])
                    last.append([states[-1:]])
            x = outputs[0] if len(outputs) == 1 else concat(outputs, axis=-1)
            if layer < self.num_layers - 1 and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
        ends = [kind[0] if len(kind) == 1 else concat(list(kind), axis=0) for kind in zip(*last, strict=True)]
        if single:
            return x.reshape((len(x), x.shape[-1])), [end.reshape((wanted[0], wanted[2])) for end in ends]
        return (x.permute_dims((1, 0, 2)) if self.batch_first else x), ends

    def _initial_states(
        self, name: str, first: list[Any] | None, wanted: tuple[int, ...], single: bool, x: Tensor
    ) -> list[Tensor]:
        """Return the initial states, zeros by default."""
        if first is None:
            zeros = asarray(np.zeros(wanted, np.result_type(x.dtype, self.weight_hh_l0.dtype)))
            return [zeros] * (2 if self._gates == 4 else 1)
        found = []
        for state in first:
            state = state if isinstance(state, Tensor) else asarray(state)
            shape = (wanted[0], wanted[2]) if single else wanted
            if state.shape != shape:
                raise messages.first_state(name, state.shape, shape)
            found.append(state.reshape(wanted) if single else state)
        return found

    def forward(self, input: Any, hx: Any = None) -> Any:
        output, (last,) = self._run(input, None if hx is None else [hx])
        return output, last

    def flatten_parameters(self) -> None:
        """Do nothing. In PyTorch, this moves the parameters to one block of memory on a GPU."""

    def extra_repr(self) -> str:
        said = f"{self.input_size}, {self.hidden_size}"
        for name, usual in ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0.0):
            if getattr(self, name) != usual:
                said += f", {name}={getattr(self, name)}"
        return said + (", bidirectional=True" if self.bidirectional else "")


_PARAMETERS = """
    Parameters
    ----------
    input_size, hidden_size : int
        The numbers of features of the input, and of the hidden state.
    num_layers : int
        The number of layers; the input of each is the output of the previous one.
    {nonlinearity}bias : bool
    batch_first : bool
        Whether sequences are (batch, steps, features) instead of (steps, batch, features).
    dropout : float
        Probability of dropout between layers, in training mode.
    bidirectional : bool
        Whether a second set of parameters runs from the last step to the first; the outputs are concatenated.
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.
    Attributes
    ----------
    weight_ih_l0 : Tensor, shape ({gates}hidden_size, input_size)
    weight_hh_l0 : Tensor, shape ({gates}hidden_size, hidden_size)
    bias_ih_l0, bias_hh_l0 : Tensor, shape ({gates}hidden_size,)
        All are drawn from U(-k, k), `k = 1 / sqrt(hidden_size)`. Those of other layers end in `_l1` and so on, and
        those of the reverse direction in `_reverse`.

    Raises
    ------
    ShapeError
        If a size is less than 1, or sequences or states do not fit.

    Notes
    -----
    The module is called with a sequence, and optionally with the initial state {states} of shape
    (layers * directions, batch, hidden_size), zeros by default. It returns `(output, {last})`: the states of the last
    layer at all steps, and the final states of all layers. A single sequence (steps, input_size) has no batch axis, and
    neither have its states.
    """


def _documented(nonlinearity: str, gates: str, states: str, last: str) -> Any:
    """Append the common sections to the docstring of a class."""

    def decorate(cls: Any) -> Any:
        common = _PARAMETERS.format(nonlinearity=nonlinearity, gates=gates, states=states, last=last)
        cls.__doc__ = f"{cls.__doc__.rstrip()}\n{common}"
        return cls

    return decorate


@_documented('nonlinearity : {"tanh", "relu"}\n    ', "", "`h0`", "h_n")
class RNN(_Recurrent):
    """`h = tanh(x @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh)` over the steps of a sequence, or with relu."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise messages.bad_nonlinearity("RNN", nonlinearity)
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype=dtype, rng=rng
        )

    def _sequence(self, u: Tensor, weight: Tensor, first: list[Tensor], biases: list[Tensor]) -> Tensor:
        return rnn(u, weight, *first, biases[0] + biases[1] if biases else None, self.nonlinearity)


@_documented("", "4 * ", "`(h0, c0)`, a pair, each", "(h_n, c_n)")
class LSTM(_Recurrent):
    """Long short-term memory over the steps of a sequence; gates in the order input, forget, cell, output.

    `c = sigmoid(f) * c + sigmoid(i) * tanh(g)` and `h = sigmoid(o) * tanh(c)`, where `i, f, g, o` are the four parts of
    `x @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh` (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).
    """

    _gates = 4

    def _sequence(self, u: Tensor, weight: Tensor, first: list[Tensor], biases: list[Tensor]) -> Tensor:
        return lstm(u, weight, *first, biases[0] + biases[1] if biases else None)

    def forward(self, input: Any, hx: Any = None) -> Any:
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise messages.layer_size("LSTM", "hx", type(hx).__name__, "it must be a pair (h0, c0)")
        output, (h, c) = self._run(input, None if hx is None else list(hx))
        return output, (h, c)


@_documented("", "3 * ", "`h0`", "h_n")
class GRU(_Recurrent):
    """Gated recurrent unit over the steps of a sequence; gates in the order reset, update, new.

    `h = (1 - z) * n + z * h`, where `r` and `z` are the sigmoids of their parts of the sum of both products, and
    `n = tanh(x_n + r * h_n)` with the third parts of `x @ weight_ih.T + bias_ih` and of
    `h @ weight_hh.T + bias_hh` (Cho et al., 2014).
    """

    _gates = 3

    def _sequence(self, u: Tensor, weight: Tensor, first: list[Tensor], biases: list[Tensor]) -> Tensor:
        return gru(u, weight, *first, *biases)
