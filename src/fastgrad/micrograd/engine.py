"""`Value` of the engine in use: compiled, or in plain Python."""

from typing import TYPE_CHECKING

from fastgrad._engine import name as _name

if TYPE_CHECKING or _name == "python":
    from fastgrad.micrograd.value_python import Value
else:
    from fastgrad.core.value import Value

__all__ = ["Value"]
