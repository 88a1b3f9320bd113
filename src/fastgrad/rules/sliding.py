"""Sliding windows as views: `np.lib.stride_tricks.sliding_window_view`."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.draws import normal
from fastgrad.rules.indexing import scatter_add
from fastgrad.rules.rule import rule
from fastgrad.rules.shapes import reshape

batching = lazy_functions("fastgrad.rules.batching")


def _windows_vjp(g, x_shape, window_shape, axis):
    """`g`, added up at the elements that the windows share."""
    size = int(np.prod(x_shape, dtype=np.intp))
    numbers = np.arange(size).reshape(x_shape)
    source = np.lib.stride_tricks.sliding_window_view(numbers, window_shape, axis)
    return reshape(scatter_add(g, (source,), (size,)), x_shape)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x_shape, window_shape, axis: _windows_vjp(g, x_shape, window_shape, axis),
    view=True,
    numpy=("lib.stride_tricks.sliding_window_view",),
    prepare=parameters.read(window_shape=parameters.shape, axis=parameters.axes),
    samples=normal(
        ((5,), {"window_shape": 3}),
        ((3, 4), {"window_shape": (2, 2)}),
        ((3, 4), {"window_shape": (2,), "axis": 1}),
        ((2, 3, 4), {"window_shape": (2, 3), "axis": (0, -1)}),
        ((4, 2), {"window_shape": (2, 2), "axis": (0, 0)}),
        ((0, 3), {"window_shape": 2, "axis": 1}),
    ),
)
def sliding_window_view(x, /, window_shape, axis=None):
    """Read-only view of all windows of `x` of the lengths `window_shape` along `axis`; these axes are the last ones."""
    return np.lib.stride_tricks.sliding_window_view(x, window_shape, axis)
