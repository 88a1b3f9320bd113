"""Neural networks: `fastgrad.nn.functional` has the activations and losses."""

from fastgrad.nn import functional

__all__ = ["functional"]
