"""The pattern of every rule, against the nonzero elements of its derivatives."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules import FUNCTIONS, RULES
from fastgrad.rules.patterns import Call, pattern_of
from tests.support.rule_samples import NAMES, samples

DIFFERENTIABLE = [name for name in NAMES if RULES[name].has_vjp]
# Their patterns contain exactly the elements that can be nonzero; those of other ops may contain more.
EXACT = """
    add subtract multiply divide sin exp conj real imag copy astype
    broadcast_to sum_to reshape permute_dims flip roll tile repeat tril triu pad
    getitem scatter_add setitem add_at concat stack diagonal sliding_window_view
    sum mean logsumexp softmax log_softmax var std cumsum cumprod standardize layer_norm batch_norm
    matmul tensordot dot outer einsum convolve bincount delete insert compress extract resize
    conv1d conv2d conv_input conv_weight avg_pool2d avg_unpool2d
    inv solve pinv floor ceil trunc round floor_divide cross_entropy
"""


def derivative(name, operands, params, k):
    """Return the absolute values of the derivatives of a result with respect to operand `k`, as a matrix."""
    x = fg.tensor(operands[k], requires_grad=True)
    y = FUNCTIONS[name](*operands[:k], x, *operands[k + 1 :], **params)
    matrix = np.zeros((y.size, x.size))
    for direction in (1, 1j) if y.dtype.kind == "c" else (1,):
        for row in range(y.size):
            g = np.zeros(y.shape, y.dtype)
            g.flat[row] = direction
            gx = fg.gradients(y, x, fg.tensor(g), retain_graph=True)[0]
            matrix[row] += np.abs(gx.numpy()).ravel()
    return matrix


def dependence(name, operands, params, k, shape):
    """Return the pattern of operand `k` as a boolean matrix."""
    call = Call(RULES[name], operands, params, shape, tuple(j == k for j in range(len(operands))))
    size = np.size(operands[k])
    found, matrix = pattern_of(call, k), np.zeros((int(np.prod(shape)), size), bool)
    if found is None:
        return ~matrix
    rows, columns = found
    rows = np.arange(len(matrix) if columns is None else len(columns)) if rows is None else rows
    columns = np.arange(size if rows is None else len(rows)) if columns is None else columns
    kept = (rows >= 0) & (columns >= 0)
    matrix[rows[kept], columns[kept]] = True
    return matrix


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_pattern_of_a_rule_covers_its_derivatives(name):
    for operands, params in samples(name):
        operands, params = RULES[name].bind(tuple(operands), dict(params))
        shape = np.shape(RULES[name].run(operands, params))
        for k, x in enumerate(operands):
            if isinstance(x, np.ndarray) and RULES[name].differentiable(k) and x.dtype.kind in "fc":
                nonzero = derivative(name, operands, params, k) != 0
                pattern = dependence(name, operands, params, k, shape)
                assert not (nonzero & ~pattern).any()
                assert name not in EXACT.split() or (nonzero == pattern).all()


def test_products_with_constants_leave_out_zeros():
    a = np.diag([1.0, 2.0, 3.0])
    x = np.ones(3)
    assert (dependence("matmul", (a, x), {}, 1, (3,)) == np.eye(3)).all()
    call = Call(RULES["matmul"], (a, x), {}, (3,), (True, True))
    assert len(pattern_of(call, 1)[0]) == 9  # the matrix varies as well
    assert not call.reads
