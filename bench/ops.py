"""One row per rule: forward and backward against NumPy's forward alone, for small and large operands.

The operands come from the rule (`domain`, `samples`), so that every new rule has a row. Before an op is timed, its
value is compared with the forward on arrays, and its gradient with finite differences in a random direction.
"""

import numpy as np

import fastgrad as fg
import fastgrad.rules.later  # the rules that `import fastgrad` does not load
from bench.ops_large import intervals, large_operands
from bench.results import Result, Row
from fastgrad.benchmark.race import Contender, Unequal, compare, time_in_turns
from fastgrad.rules.rule import FUNCTIONS, RULES

SMALL, LARGE = 8, 10**5
STEP = 1e-6  # of the finite differences, about the cube root of the precision of float64


class Case:
    """One op on one set of operands."""

    def __init__(self, rule, operands, params):
        if rule.prepare is not None:
            operands, params = rule.bind(operands, params)
        self.rule, self.params = rule, params
        self.arrays = [
            a if a is None or (np.ndim(a) == 0 and isinstance(a, (int, float))) else np.asarray(a) for a in operands
        ]
        self.places = [k for k, a in enumerate(self.arrays) if self._differentiable(k, a)]
        self.y = np.asarray(rule.forward(*self.arrays, **params))
        if self.y.dtype.kind not in "fc":
            self.places = []
        self.leaves = list(self.arrays)
        for k in self.places:
            self.leaves[k] = fg.tensor(self.arrays[k], requires_grad=True)
        rng = np.random.default_rng(10)
        self.g = self._draw(rng, self.y)
        self.directions = {k: self._direction(rng, self.arrays[k]) for k in self.places}
        self.cotangent = fg.tensor(self.g)

    def _differentiable(self, k, array):
        return isinstance(array, np.ndarray) and array.dtype.kind in "fc" and self.rule.differentiable(k)

    @staticmethod
    def _draw(rng, like):
        drawn = rng.normal(size=like.shape)
        return (drawn + 1j * rng.normal(size=like.shape) if like.dtype.kind == "c" else drawn).astype(like.dtype)

    def _direction(self, rng, like):
        drawn = self._draw(rng, like)
        return drawn + np.conj(np.swapaxes(drawn, -1, -2)) if self.rule.hermitian else drawn

    def step(self):
        """Run forward and, if a gradient flows, backward."""
        for k in self.places:
            self.leaves[k].grad = None
        y = FUNCTIONS[self.rule.name](*self.leaves, **self.params)
        if self.places:
            y.backward(self.cotangent)
        return y

    def forward(self):
        """Run NumPy's forward alone: the rival."""
        return self.rule.forward(*self.arrays, **self.params)

    def check_value(self):
        """Compare value and dtype with the forward on arrays."""
        name = f"{self.rule.name} of {self.y.size} elements"
        y = self.step().numpy()
        if y.dtype != self.y.dtype:
            raise Unequal(f"{name}: dtype {y.dtype}, NumPy's forward gives {self.y.dtype}")
        if y.size and y.dtype.kind in "fc":
            compare(f"{name}: value", y, self.y, 1e-6 if y.dtype in (np.float32, np.complex64) else 1e-12)
        elif not np.array_equal(y, self.y):
            raise Unequal(f"{name}: value differs from NumPy's")

    def check(self):
        """Compare the value, and the gradient with central differences of Re(sum(conj(g) * y))."""
        self.check_value()
        for k in self.places:
            terms = np.real(np.conj(self.leaves[k].grad.numpy()) * self.directions[k])
            numerical = (self._along(k, STEP) - self._along(k, -STEP)) / (2 * STEP)
            # Both sums may cancel to zero, so that the scale comes from their terms.
            scale = max(np.abs(terms).sum(), np.abs(self.g).sum())
            rtol = 1e-1 if self.y.dtype in (np.float32, np.complex64) else 1e-6  # float32 resolves 1e-7 of y, over 1e-6
            compare(
                f"{self.rule.name} {self.params}: gradient of operand {k}",
                np.array([terms.sum(), scale]),
                np.array([numerical, scale]),
                rtol,
            )

    def _along(self, k, step):
        arrays = list(self.arrays)
        arrays[k] = arrays[k] + step * self.directions[k]
        return np.real(np.sum(np.conj(self.g) * self.rule.forward(*arrays, **self.params)))


def small_case(rule):
    """Return a Case of a few elements from the interval of a rule, or of its first differentiable sample, or None."""
    rng = np.random.default_rng(11)
    if rule.domain is not None:
        return Case(rule, intervals(rule, rng, SMALL), {})
    if rule.samples is None:
        return None
    cases = (Case(rule, operands, params) for operands, params in rule.samples(rng))
    first = next(cases)
    return first if first.places else next((case for case in cases if case.places), first)


def large_case(rule):
    """Return a Case of about 10^5 elements, or None."""
    found = large_operands(rule, np.random.default_rng(12), LARGE)
    return None if found is None else Case(rule, *found)


def measure(rule, settings):
    """Return the Results of one rule: small, and large if there are operands."""
    results = []
    for size, case in (("small", small_case(rule)), ("large", large_case(rule))):
        if case is None:
            continue
        if size == "small":
            case.check()
        else:
            case.check_value()
        pair = [Contender("fastgrad", case.step, dict), Contender("NumPy forward", case.forward, dict)]
        timings = time_in_turns(pair, settings)
        mine, theirs = (t.median for t in timings)
        results.append(
            Result(
                f"{rule.name} {size}",
                mine,
                theirs,
                "NumPy forward",
                ratio=mine / theirs,
                note=f"{case.y.size} elements",
                timings={c.name: t for c, t in zip(pair, timings)},
            )
        )
    return results


def _row(rule):
    return Row(
        rule.name, lambda settings: measure(rule, settings), None, "<=", "forward + backward against NumPy's forward"
    )


ROWS = {rule.name: _row(rule) for rule in RULES.values() if rule.domain is not None or rule.samples is not None}
