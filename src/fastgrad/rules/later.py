"""The families of ops that only `fastgrad.nn` uses, imported with it to keep `import fastgrad` fast."""

from fastgrad.rules import convolution, losses, normalization, pooling, recurrent

__all__ = ["convolution", "losses", "normalization", "pooling", "recurrent"]
