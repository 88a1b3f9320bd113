"""Flat parameters, optimizers, fixed points, and graphs as data."""

from fastgrad.autograd.misc.flatten import flatten
from fastgrad.autograd.misc.tracers import const_graph

__all__ = ["const_graph", "flatten"]
