"""The type stubs of `fastgrad.numpy` and its modules, for the NumPy that is installed. Used by `_stubs`."""

import inspect
import types

import numpy

import fastgrad.numpy
from fastgrad._engine import NumPyFunction
from fastgrad.op_functions import REQUIRED

IMPORTS = """\
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, overload

import numpy.typing as _npt
from fastgrad._engine import Tensor as _Tensor

_Operand: TypeAlias = _Tensor | _npt.ArrayLike | Sequence[Any]
"""
UFUNC = """
class _Ufunc(Protocol):
    @overload
    def __call__(self, x1: _Tensor, /, *args: Any, **kwargs: Any) -> _Tensor: ...
    @overload
    def __call__(self, x1: _Operand, x2: _Tensor, /, *args: Any, **kwargs: Any) -> _Tensor: ...
    @overload
    def __call__(self, *args: _Operand, **kwargs: Any) -> Any: ...
    @property
    def nin(self) -> int: ...
    @property
    def nout(self) -> int: ...
    @property
    def nargs(self) -> int: ...
    @property
    def identity(self) -> Any: ...
    @property
    def signature(self) -> str | None: ...
    @overload
    def reduce(self, array: _Tensor, /, axis: Any = 0, dtype: Any = None, out: Any = None, **more: Any) -> _Tensor: ...
    @overload
    def reduce(self, array: _Operand, /, axis: Any = 0, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any: ...
    @overload
    def accumulate(self, array: _Tensor, /, axis: int = 0, dtype: Any = None, out: Any = None) -> _Tensor: ...
    @overload
    def accumulate(self, array: _Operand, /, axis: int = 0, dtype: Any = None, out: Any = None) -> Any: ...
    def reduceat(self, array: _Operand, /, indices: _npt.ArrayLike, *args: Any, **kwargs: Any) -> Any: ...
    def outer(self, A: _Operand, B: _Operand, /, **kwargs: Any) -> Any: ...
    def at(self, a: Any, indices: Any, b: Any = ..., /) -> None: ...
"""
# Objects of `numpy` that its own stubs do not have, or that are not NumPy's.
OWN = {"c_": "c_: Any", "r_": "r_: Any", "vectorize": "from fastgrad.numpy._objects import vectorize as vectorize"}
# Parameters that are passed by position, and are no arrays.
NO_ARRAYS = """
    axis axis1 axis2 choicelist condlist destination dtype func func1d funclist indices_or_sections object pad_width
    reps shape source
"""
MODULES = ("numpy", "numpy.linalg", "numpy.fft", "numpy.random")


def version():
    """Return the line of a stub that says for which NumPy it was written."""
    return f"# The names and signatures are those of NumPy {numpy.__version__.rpartition('.')[0]}.\n"


def _operands(plan):
    """Return the parameters that are arrays and cannot be omitted."""
    named = zip(plan.names, plan.places, plan.defaults, strict=True)
    return [name for name, place, default in named
            if place[0] is not None and default is REQUIRED and name not in NO_ARRAYS.split()]  # fmt: skip


def _parameters(function, first="_Operand"):
    """Return the text between the parentheses of a function's signature. `first` is the type of the first operand."""
    parts, before, operands = [], None, _operands(function.plan)
    for p in inspect.signature(function).parameters.values():
        if before is not None and before.kind is p.POSITIONAL_ONLY and p.kind is not p.POSITIONAL_ONLY:
            parts.append("/")
        if p.kind is p.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        prefix = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        kind = ("_Operand" if p.name != operands[0] else first) if p.name in operands else "Any"
        parts.append(f"{prefix}{p.name}: {kind}{'' if p.default is p.empty else ' = ...'}")
        before = p
    if before is not None and before.kind is before.POSITIONAL_ONLY:
        parts.append("/")
    return ", ".join(parts)


def _called(function, name, results):
    """Return the stub of a function. Its result is a Tensor if its first operand is one, unless `results` differs."""
    result = results.get(function.counterpart.__name__.strip("_"), "Tensor")
    if isinstance(function.function, numpy.ufunc):
        return f"{name}: " + ("_Ufunc" if function.nout == 1 else "Any")
    general = f"    def __call__(self, {_parameters(function)}) -> Any: ..."
    if result == "Tensor" and _operands(function.plan) and function.plan.depth != 1:
        first = f"    def __call__(self, {_parameters(function, '_Tensor')}) -> _Tensor: ..."
        general = f"    @overload\n{first}\n    @overload\n{general}"
    return f"class _{name}(Protocol):\n{general}\n{name}: _{name}"


def _line(module, name, results):
    found = getattr(module, name)
    if name in OWN and module is fastgrad.numpy:
        return OWN[name]
    if isinstance(found, NumPyFunction):
        return _called(found, name, results)
    package = module.__name__ if isinstance(found, types.ModuleType) and found.__name__.startswith("fastgrad") else None
    return f"from {package or module.__name__.removeprefix('fastgrad.')} import {name} as {name}"


def stub(name, results):
    """Return the stub of `fastgrad.numpy` or one of its modules, which stands for NumPy's module `name`."""
    module = fastgrad.numpy
    for part in name.split(".")[1:]:
        module = getattr(module, part)
    names = sorted({word for word in dir(module) if word[0] != "_"} | {*module.__all__} - {"__version__"})
    lines = [_line(module, word, results) for word in names]
    imported = [line for line in lines if line.startswith("from")]
    defined = [line for line in lines if not line.startswith("from")]
    head = IMPORTS + (UFUNC if any(line.endswith("_Ufunc") for line in defined) else "")
    text = version() + (head if defined else "") + "\n".join(["", *imported, "", *defined])
    end = "\n__version__: str" if name == "numpy" else ""
    return f"{text}{end}\n\n__all__ = {sorted(module.__all__)!r}\n"


def stubs(results):
    """Return the content of each stub file, by its path in the package; `results` are types, by name of a function."""
    paths = {name: name.replace(".", "/") + ("/__init__.pyi" if name == "numpy" else ".pyi") for name in MODULES}
    return {path: stub(name, results) for name, path in paths.items()}
