"""`Value` of the engine in use: compiled, or in plain Python."""

from fastgrad._engine import name as _name

if _name == "cython":
    from fastgrad.core.value import Value
else:
    from fastgrad.micrograd.value_python import Value

__all__ = ["Value"]
