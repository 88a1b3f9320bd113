"""PyTorch's place for data sets: `fastgrad.utils.data`."""

from fastgrad.utils import data

__all__ = ["data"]
