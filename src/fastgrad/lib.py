"""The part of `numpy.lib` that code for any array library uses: `fg.lib.stride_tricks.sliding_window_view`."""

from fastgrad.rules import sliding

__all__ = ["stride_tricks"]


class stride_tricks:
    """Views of windows, as `numpy.lib.stride_tricks`."""

    sliding_window_view = staticmethod(sliding.sliding_window_view)
