"""User-defined ops: a NumPy function and its vjp rule make an op. They are not entered in the table of rules."""

from fastgrad.primitives.define import primitive

__all__ = ["primitive"]
