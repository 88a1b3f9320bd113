"""The part of `numpy.lib` that code for any array library uses: `fg.lib.stride_tricks.sliding_window_view`."""

from fastgrad.rules import sliding

__all__ = ["stride_tricks"]


class stride_tricks:
    """Views of windows, as `numpy.lib.stride_tricks`."""

    @staticmethod
    def sliding_window_view(x, window_shape, axis=None):
        """Return a read-only view of all windows of `x` along `axis`.

        Parameters
        ----------
        x : Tensor or array
        window_shape : int or tuple of int
            The lengths of a window along the axes.
        axis : int or tuple of int, optional
            By default all axes.

        Returns
        -------
        Tensor
            The axes of the windows are the last ones.

        Raises
        ------
        ShapeError
            If a window is longer than its axis.
        """
        return sliding.sliding_window_view(x, window_shape, axis)
