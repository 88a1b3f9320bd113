# Written by `python -m fastgrad._stubs`. Do not edit.
# The names and signatures are those of NumPy 2.4.
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, overload

import numpy.typing as _npt
from fastgrad._engine import Tensor as _Tensor

_Operand: TypeAlias = _Tensor | _npt.ArrayLike | Sequence[Any]

from numpy.fft import test as test

class _fft(Protocol):
    @overload
    def __call__(self, a: _Tensor, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
fft: _fft
class _fft2(Protocol):
    @overload
    def __call__(self, a: _Tensor, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
fft2: _fft2
class _fftfreq(Protocol):
    @overload
    def __call__(self, n: _Tensor, d: Any = ..., device: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, n: _Operand, d: Any = ..., device: Any = ...) -> Any: ...
fftfreq: _fftfreq
class _fftn(Protocol):
    @overload
    def __call__(self, a: _Tensor, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
fftn: _fftn
class _fftshift(Protocol):
    @overload
    def __call__(self, x: _Tensor, axes: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, axes: Any = ...) -> Any: ...
fftshift: _fftshift
class _hfft(Protocol):
    @overload
    def __call__(self, a: _Tensor, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
hfft: _hfft
class _ifft(Protocol):
    @overload
    def __call__(self, a: _Tensor, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
ifft: _ifft
class _ifft2(Protocol):
    @overload
    def __call__(self, a: _Tensor, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
ifft2: _ifft2
class _ifftn(Protocol):
    @overload
    def __call__(self, a: _Tensor, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
ifftn: _ifftn
class _ifftshift(Protocol):
    @overload
    def __call__(self, x: _Tensor, axes: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, x: _Operand, axes: Any = ...) -> Any: ...
ifftshift: _ifftshift
class _ihfft(Protocol):
    @overload
    def __call__(self, a: _Tensor, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
ihfft: _ihfft
class _irfft(Protocol):
    @overload
    def __call__(self, a: _Tensor, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
irfft: _irfft
class _irfft2(Protocol):
    @overload
    def __call__(self, a: _Tensor, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
irfft2: _irfft2
class _irfftn(Protocol):
    @overload
    def __call__(self, a: _Tensor, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
irfftn: _irfftn
class _rfft(Protocol):
    @overload
    def __call__(self, a: _Tensor, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, n: Any = ..., axis: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
rfft: _rfft
class _rfft2(Protocol):
    @overload
    def __call__(self, a: _Tensor, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
rfft2: _rfft2
class _rfftfreq(Protocol):
    @overload
    def __call__(self, n: _Tensor, d: Any = ..., device: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, n: _Operand, d: Any = ..., device: Any = ...) -> Any: ...
rfftfreq: _rfftfreq
class _rfftn(Protocol):
    @overload
    def __call__(self, a: _Tensor, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> _Tensor: ...
    @overload
    def __call__(self, a: _Operand, s: Any = ..., axes: Any = ..., norm: Any = ..., out: Any = ...) -> Any: ...
rfftn: _rfftn

__all__ = ['fft', 'fft2', 'fftfreq', 'fftn', 'fftshift', 'hfft', 'ifft', 'ifft2', 'ifftn', 'ifftshift', 'ihfft', 'irfft', 'irfft2', 'irfftn', 'rfft', 'rfft2', 'rfftfreq', 'rfftn']
