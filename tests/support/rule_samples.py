"""The operands on which the tests call every rule, drawn from its `domain` and `samples`."""

import functools

import numpy as np

import fastgrad as fg
from fastgrad.rules import RULES

NAMES = sorted(RULES)
# Values are NumPy's to the bit where NumPy has the op; where the reference is another formula, they agree to ROUNDING.
ROUNDING = 1e-13

SHAPES = {
    1: [((2, 3),), ((),), ((0, 2),)],
    2: [
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((2, 1), (1, 3)),
        ((), ()),
        ((3,), ()),
        ((0, 3), (3,)),
        ((3,), None),
        (None, (3,)),
    ],
}


@functools.cache
def samples(name):
    """Operands and parameters for a rule; None among the shapes of a pair is a Python number."""
    rule, rng = RULES[name], np.random.default_rng(sum(map(ord, name)))
    found = list(rule.samples(rng)) if rule.samples else []
    if rule.domain:
        n = rule.n_operands
        intervals = rule.domain if isinstance(rule.domain[0], tuple) else (rule.domain,) * n
        for shapes in SHAPES[n]:
            drawn = tuple(
                float(rng.uniform(*interval)) if shape is None else rng.uniform(*interval, size=shape)
                for interval, shape in zip(intervals, shapes, strict=True)
            )
            found.append((drawn, {}))
    # a NumPy scalar is an array of no dimensions
    return [(tuple(np.asarray(x) if isinstance(x, np.generic) else x for x in xs), params) for xs, params in found]


def is_float(x):
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def leaves(operands, dtype=None):
    """Return floating-point arrays as leaves and everything else unchanged."""
    return [fg.tensor(x, dtype=dtype, requires_grad=True) if is_float(x) else x for x in operands]


def asked(rule, operands):
    """Return the numbers of the operands that receive a gradient."""
    records = [isinstance(x, fg.Tensor) and x.requires_grad for x in operands]
    return [k for k, wanted in enumerate(records) if wanted and rule.differentiable(k)]


def like(y, rng):
    """Return a random cotangent for `y`."""
    v = rng.normal(size=y.shape)
    return fg.asarray((v + 1j * rng.normal(size=y.shape) if y.dtype.kind == "c" else v).astype(y.dtype))


def direction(rule, shape, rng, dtype=np.float64):
    """Return a random direction of an operand, a Hermitian one if the rule is about Hermitian matrices."""
    d = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        d = d + 1j * rng.normal(size=shape)
    return d + np.conj(np.swapaxes(d, -1, -2)) if rule.hermitian else d
