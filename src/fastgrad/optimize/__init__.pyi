# Written by `python -m fastgrad._stubs`. Do not edit.
from collections.abc import Callable, Iterator, Sequence
from types import EllipsisType
from typing import Any, NamedTuple, ParamSpec, Protocol, Self, TypeAlias, TypeVar, final, overload

import numpy as np
import numpy.typing as npt

from fastgrad._engine import Tensor
from fastgrad.errors import FastgradError

_Operand: TypeAlias = Tensor | npt.ArrayLike
_P = ParamSpec("_P")
_R = TypeVar("_R")

def curve_fit(f: Callable[..., Any], xdata: Any, ydata: Any, p0: Any = None, sigma: Any = None, absolute_sigma: bool = False, *, jac: Any = None, **settings: Any) -> Any: ...
def least_squares(fun: Callable[..., Any], x0: Any, jac: Any = None, bounds: Any = None, method: str = 'trf', *, sparse: bool = False, **settings: Any) -> Any: ...
def minimize(fun: Callable[..., Any], x0: Any, args: Any = (), method: Any = None, jac: Any = None, hess: Any = None, hessp: Any = None, bounds: Any = None, constraints: Any = (), tol: _Operand | float | None = None, callback: Any = None, options: Any = None, *, sparse: bool = False) -> Any: ...
def root(fun: Callable[..., Any], x0: Any, args: Any = (), method: str = 'hybr', jac: Any = None, tol: _Operand | float | None = None, callback: Any = None, options: Any = None) -> Any: ...
def root_scalar(f: Callable[..., Any], args: Any = (), method: Any = None, bracket: Any = None, fprime: Any = None, fprime2: Any = None, x0: Any = None, x1: _Operand | None = None, xtol: Any = None, rtol: float | None = None, maxiter: Any = None, options: Any = None) -> Any: ...

__all__ = ['curve_fit', 'least_squares', 'minimize', 'root', 'root_scalar']
