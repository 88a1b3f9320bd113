"""The families that `fastgrad.nn` brings along, read at its first use: what they cost `import fastgrad` need not."""

from fastgrad.rules import convolution, losses, normalization, pooling, recurrent

__all__ = ["convolution", "losses", "normalization", "pooling", "recurrent"]
