"""Comparison of Tensors and arrays."""

import numpy as np

import fastgrad as fg


def same(got, wanted):
    got = got.detach().numpy() if isinstance(got, fg.Tensor) else got
    np.testing.assert_array_equal(got, wanted, strict=True)
