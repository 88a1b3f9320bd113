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

class GradientCheckError(FastgradError, AssertionError): ...
def check_grads(f: Callable[..., Any], args: Any, *, order: int = 2, modes: Sequence[str] = ('vjp', 'jvp'), eps: float | None = None, rtol: float | None = None, atol: float | None = None, seed: int = 0) -> None: ...
