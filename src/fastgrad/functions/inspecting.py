"""NumPy's functions whose results are constants: indices, questions about values, windows. Imported at first use.

NumPy's own functions run on Tensors, too, with the same results. A floating result that depends on a Tensor that
requires a gradient is an error.
"""

import numpy as np

from fastgrad.functions.constants import constant

# places of elements
argpartition = constant(np.argpartition)
argwhere = constant(np.argwhere)
digitize = constant(np.digitize)
flatnonzero = constant(np.flatnonzero)
lexsort = constant(np.lexsort)
nanargmax = constant(np.nanargmax)
nanargmin = constant(np.nanargmin)

# index arrays
diag_indices = constant(np.diag_indices)
diag_indices_from = constant(np.diag_indices_from)
indices = constant(np.indices)
ix_ = constant(np.ix_)
mask_indices = constant(np.mask_indices)
ravel_multi_index = constant(np.ravel_multi_index)
tril_indices = constant(np.tril_indices)
tril_indices_from = constant(np.tril_indices_from)
triu_indices = constant(np.triu_indices)
triu_indices_from = constant(np.triu_indices_from)
unravel_index = constant(np.unravel_index)

# questions about values
array_equiv = constant(np.array_equiv)
iscomplex = constant(np.iscomplex)
isneginf = constant(np.isneginf)
isposinf = constant(np.isposinf)
isreal = constant(np.isreal)

# integers and bits
bitwise_count = constant(np.bitwise_count)
gcd = constant(np.gcd)
lcm = constant(np.lcm)

# matrices and windows
bartlett = constant(np.bartlett)
blackman = constant(np.blackman)
hamming = constant(np.hamming)
hanning = constant(np.hanning)
histogram_bin_edges = constant(np.histogram_bin_edges)
identity = constant(np.identity)
kaiser = constant(np.kaiser)
tri = constant(np.tri)
