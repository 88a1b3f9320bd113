"""NumPy's objects that make arrays and are no functions, for Tensors: `r_`, `c_` and `vectorize`."""

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.functions import concatenators
from fastgrad.functions.arrays import array, holds_tensor
from fastgrad.functions.joining import stack
from fastgrad.functions.shapes import broadcast_arrays, ravel, reshape


class Concatenator(concatenators.Concatenator):
    """`numpy.r_` or `numpy.c_`: joins what is between the brackets. A Tensor among it is recorded."""

    def __repr__(self):
        return f"<fastgrad.numpy.{'c_' if self._theirs is np.c_ else 'r_'}>"


class vectorize(np.vectorize):
    """`numpy.vectorize`: a function of numbers is called for each element. Elements of Tensors are recorded."""

    def __call__(self, *args, **kwargs):
        if not any(map(holds_tensor, (*args, *kwargs.values()))) or self.signature is not None or kwargs:
            return super().__call__(*args, **kwargs)
        fixed = {k: x for k, x in enumerate(args) if k in self.excluded}
        given = broadcast_arrays(*(array(x) for k, x in enumerate(args) if k not in self.excluded))
        shape, rows = given[0].shape, zip(*(ravel(x) for x in given), strict=True)
        results = [self.pyfunc(*_merged(fixed, row)) for row in rows]
        if results and isinstance(results[0], tuple):
            return tuple(reshape(stack(part), shape) for part in zip(*results, strict=True))
        return reshape(stack(results), shape) if results else Tensor(np.empty(shape))


def _merged(fixed, row):
    row = iter(row)
    n = len(fixed)
    return [fixed[k] if k in fixed else next(row) for k in range(n)] + list(row) if n else list(row)


r_, c_ = Concatenator(np.r_), Concatenator(np.c_)
