"""The families of ops that `import fastgrad` does not load, to stay fast: those of `fastgrad.nn` and of namespaces."""

from fastgrad.rules import (
    convolution,
    counting,
    cross,
    curves,
    decompositions,
    fourier,
    linear_systems,
    losses,
    missing,
    normalization,
    pooling,
    quantiles,
    recurrent,
    selecting,
    sliding,
    ufuncs,
)

__all__ = [
    "convolution",
    "counting",
    "cross",
    "curves",
    "decompositions",
    "fourier",
    "linear_systems",
    "losses",
    "missing",
    "normalization",
    "pooling",
    "quantiles",
    "recurrent",
    "selecting",
    "sliding",
    "ufuncs",
]
