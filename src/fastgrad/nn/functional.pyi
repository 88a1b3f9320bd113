# Written by `python -m fastgrad._stubs`. Do not edit.
from collections.abc import Callable, Iterator, Sequence
from types import EllipsisType
from typing import Any, Protocol, Self, TypeAlias, TypeVar, final, overload

import numpy as np
import numpy.typing as npt

from fastgrad._engine import Tensor
from fastgrad.errors import FastgradError

_Operand: TypeAlias = Tensor | npt.ArrayLike

class _AvgPool2D(Protocol):
    def __call__(self, x: _Operand, /, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None, padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0, count_include_pad: bool = True) -> Tensor: ...

class _Conv1D(Protocol):
    def __call__(self, x: _Operand, weight: _Operand, bias: _Operand | None = None, stride: int | Sequence[int] | None = 1, padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0, dilation: int | Sequence[int] = 1, groups: int = 1) -> Tensor: ...

class _CrossEntropy(Protocol):
    def __call__(self, logits: _Operand, labels: _Operand, /, reduction: str = 'mean') -> Tensor: ...

class _Elu(Protocol):
    def __call__(self, x: _Operand, /, alpha: float = 1.0) -> Tensor: ...

class _Gelu(Protocol):
    def __call__(self, x: _Operand, /) -> Tensor: ...

class _LeakyRelu(Protocol):
    def __call__(self, x: _Operand, /, negative_slope: float = 0.01) -> Tensor: ...

class _LogSoftmax(Protocol):
    def __call__(self, x: _Operand, /, axis: int | Sequence[int] | None = -1) -> Tensor: ...

class _Logsumexp(Protocol):
    def __call__(self, x: _Operand, /, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor: ...

class _MaxPool2D(Protocol):
    def __call__(self, x: _Operand, /, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None, padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0, dilation: int | Sequence[int] = 1) -> Tensor: ...

def avg_pool1d(x: _Operand, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None, padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0, count_include_pad: bool = True) -> Tensor: ...
avg_pool2d: _AvgPool2D
def batch_norm(x: _Operand, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: _Operand | None = None, bias: _Operand | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-05) -> Tensor: ...
def binary_cross_entropy_with_logits(logits: _Operand, targets: _Operand, /, reduction: str = 'mean') -> Tensor: ...
conv1d: _Conv1D
conv2d: _Conv1D
cross_entropy: _CrossEntropy
def dropout(x: _Operand, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | int | None = None) -> Tensor: ...
elu: _Elu
def embedding(indices: _Operand, weight: _Operand, padding_idx: int | None = None) -> Tensor: ...
def flatten(x: _Operand, start_dim: int = 1, end_dim: int = -1) -> Tensor: ...
gelu: _Gelu
def hinge_loss(scores: _Operand, labels: _Operand, /, delta: float = 1.0, reduction: str = 'mean') -> Tensor: ...
def layer_norm(x: _Operand, normalized_shape: int | Sequence[int], weight: _Operand | None = None, bias: _Operand | None = None, eps: float = 1e-05) -> Tensor: ...
leaky_relu: _LeakyRelu
def linear(x: _Operand, weight: _Operand, bias: _Operand | None = None) -> Tensor: ...
log_softmax: _LogSoftmax
logsigmoid: _Gelu
logsumexp: _Logsumexp
def max_pool1d(x: _Operand, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None, padding: int | str | Sequence[int] | Sequence[Sequence[int]] = 0, dilation: int | Sequence[int] = 1) -> Tensor: ...
max_pool2d: _MaxPool2D
def mse_loss(predictions: _Operand, targets: _Operand, /, reduction: str = 'mean') -> Tensor: ...
def multiclass_hinge_loss(scores: _Operand, labels: _Operand, /, delta: float = 1.0, reduction: str = 'mean') -> Tensor: ...
relu: _Gelu
sigmoid: _Gelu
silu: _Gelu
softmax: _LogSoftmax
softplus: _Gelu
tanh: _Gelu

__all__ = ['avg_pool1d', 'avg_pool2d', 'batch_norm', 'binary_cross_entropy_with_logits', 'conv1d', 'conv2d', 'cross_entropy', 'dropout', 'elu', 'embedding', 'flatten', 'gelu', 'hinge_loss', 'layer_norm', 'leaky_relu', 'linear', 'log_softmax', 'logsigmoid', 'logsumexp', 'max_pool1d', 'max_pool2d', 'mse_loss', 'multiclass_hinge_loss', 'relu', 'sigmoid', 'silu', 'softmax', 'softplus', 'tanh']
