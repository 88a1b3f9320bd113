"""The box of arrays and numbers."""

from fastgrad.autograd._array_box import ArrayBox
from fastgrad.autograd.builtins import SequenceBox
from fastgrad.autograd.extend import Box, primitive
from fastgrad.autograd.tracer import trace_primitives_map

__all__ = ["ArrayBox", "Box", "SequenceBox", "primitive", "trace_primitives_map"]
