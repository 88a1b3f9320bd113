"""Activations as modules: the functions of `nn.functional` with their parameters."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from fastgrad._engine import Tensor
from fastgrad.errors import PyTorchSpellingWarning
from fastgrad.functions.constants import full
from fastgrad.nn import functional as F
from fastgrad.nn import messages
from fastgrad.nn.module import Module, Parameter
from fastgrad.tracebacks import outside_frame


class _Inplace(Module):
    """Base of activations that can overwrite their operand."""

    def __init__(self, inplace: bool = False) -> None:
        if isinstance(inplace, Tensor):
            raise messages.options_wanted(f"nn.{type(self).__name__}")
        self.inplace = bool(inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""

    def _said(self, *names: str) -> str:
        said = ", ".join(f"{name}={getattr(self, name)}" for name in names)
        return f"{said}, inplace=True" if self.inplace else said


class ReLU(_Inplace):
    """`maximum(x, 0)`.

    Parameters
    ----------
    inplace : bool
        Whether the operand is overwritten.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x, self.inplace)


class ReLU6(_Inplace):
    """`minimum(maximum(x, 0), 6)`.

    Parameters
    ----------
    inplace : bool
        Whether the operand is overwritten.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x, self.inplace)


class SELU(_Inplace):
    """`scale * x` if `x > 0`, else `scale * alpha * (exp(x) - 1)`; see `nn.functional.selu`.

    Parameters
    ----------
    inplace : bool
        Whether the operand is overwritten.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.selu(x, self.inplace)


class SiLU(_Inplace):
    """`x * sigmoid(x)`.

    Parameters
    ----------
    inplace : bool
        Whether the operand is overwritten.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x, self.inplace)


class Mish(_Inplace):
    """`x * tanh(log(1 + exp(x)))`.

    Parameters
    ----------
    inplace : bool
        Whether the operand is overwritten.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.mish(x, self.inplace)


class Hardsigmoid(_Inplace):
    """`relu6(x + 3) / 6`.

    Parameters
    ----------
    inplace : bool
        Whether the operand is overwritten.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.hardsigmoid(x, self.inplace)


class Hardswish(_Inplace):
    """`x * relu6(x + 3) / 6`.

    Parameters
    ----------
    inplace : bool
        Whether the operand is overwritten.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.hardswish(x, self.inplace)


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, x: Tensor) -> Tensor:
        return F.tanh(x)


class Sigmoid(Module):
    """`1 / (1 + exp(-x))`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.sigmoid(x)


class LogSigmoid(Module):
    """`log(sigmoid(x))`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.logsigmoid(x)


class Tanhshrink(Module):
    """`x - tanh(x)`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.tanhshrink(x)


class Softsign(Module):
    """`x / (1 + abs(x))`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.softsign(x)


class GELU(Module):
    """`x * Phi(x)`, where `Phi` is the normal distribution function.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        Whether the exact form is computed, or the approximation by tanh.
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """`log(1 + exp(beta * x)) / beta`.

    Parameters
    ----------
    beta : float
    threshold : float
        Without effect; see `nn.functional.softplus`.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Tensor) -> Tensor:
        return F.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class LeakyReLU(_Inplace):
    """`x` if `x > 0`, else `negative_slope * x`.

    Parameters
    ----------
    negative_slope : float
    inplace : bool
        Whether the operand is overwritten.
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return self._said("negative_slope")


class ELU(_Inplace):
    """`x` if `x > 0`, else `alpha * (exp(x) - 1)`.

    Parameters
    ----------
    alpha : float
    inplace : bool
        Whether the operand is overwritten.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        return F.elu(x, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return self._said("alpha")


class CELU(ELU):
    """`x` if `x > 0`, else `alpha * (exp(x / alpha) - 1)`.

    Parameters
    ----------
    alpha : float
    inplace : bool
        Whether the operand is overwritten.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.celu(x, self.alpha, self.inplace)


class Hardtanh(_Inplace):
    """`x` limited to the interval from `min_val` to `max_val`.

    Parameters
    ----------
    min_val, max_val : float
    inplace : bool
        Whether the operand is overwritten.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Tensor) -> Tensor:
        return F.hardtanh(x, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return self._said("min_val", "max_val")


class Threshold(_Inplace):
    """`x` if `x > threshold`, else `value`.

    Parameters
    ----------
    threshold, value : float
    inplace : bool
        Whether the operand is overwritten.
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold, self.value = threshold, value

    def forward(self, x: Tensor) -> Tensor:
        return F.threshold(x, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return self._said("threshold", "value")


class Softshrink(Module):
    """`x` reduced by `lambd` in magnitude, and 0 where the magnitude is at most `lambd`.

    Parameters
    ----------
    lambd : float
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Tensor) -> Tensor:
        return F.softshrink(x, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class PReLU(Module):
    """`x` if `x > 0`, else `weight * x`, with slopes that are trained.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels (the second axis).
    init : float
        The initial slope.
    dtype : dtype

    Attributes
    ----------
    weight : Tensor, shape (num_parameters,)
    """

    weight: Tensor

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: npt.DTypeLike = float) -> None:
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(full((num_parameters,), init, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class GLU(Module):
    """`a * sigmoid(b)`, where `a` and `b` are the two halves of `x` along the axis `dim`."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return F.glu(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(Module):
    """`exp(x) / sum(exp(x))` along the axis `dim`.

    Parameters
    ----------
    dim : int, optional
        By default the last axis. PyTorch then guesses the first or the second one, so that a `PyTorchSpellingWarning`
        is given for inputs of three or more axes.
    """

    def __init__(self, dim: int | None = None) -> None:
        if isinstance(dim, Tensor) and dim.ndim:
            raise messages.options_wanted(f"nn.{type(self).__name__}")
        self.dim = dim

    def _axis(self, x: Tensor) -> int:
        if self.dim is not None:
            return self.dim
        if np.ndim(x) > 2:
            text = messages.implicit_axis(f"nn.{type(self).__name__}", np.ndim(x))
            warnings.warn(text, PyTorchSpellingWarning, stacklevel=outside_frame()[1])
        return -1

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(x, self._axis(x))

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """`log(softmax(x))` along the axis `dim`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(x, self._axis(x))


class Softmin(Softmax):
    """`softmax(-x)` along the axis `dim`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.softmin(x, self._axis(x))
