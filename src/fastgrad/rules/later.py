"""The families of ops that `import fastgrad` does not load, to stay fast: those of `fastgrad.nn` and of namespaces."""

from fastgrad.rules import (
    convolution,
    cross,
    decompositions,
    fourier,
    linear_systems,
    losses,
    normalization,
    pooling,
    recurrent,
    sliding,
    ufuncs,
)

__all__ = [
    "convolution",
    "cross",
    "decompositions",
    "fourier",
    "linear_systems",
    "losses",
    "normalization",
    "pooling",
    "recurrent",
    "sliding",
    "ufuncs",
]
