"""One row per rule: what recording an op costs above NumPy's function, and what its backward costs above its vjps.

The operands are small, so that the differences are those of Python objects and calls. Ops with a kernel are mostly
faster than NumPy's function, and their differences are negative.
"""

import numpy as np

import fastgrad as fg
from bench.ops import ROWS as OPS
from bench.ops import small_case
from bench.results import Result, Row
from fastgrad.benchmark.race import Contender, time_in_turns
from fastgrad.rules.rule import FUNCTIONS, RULES

FORWARD, BACKWARD = 0.5, 1.0  # microseconds: the targets


def _forward(case):
    """Return a Contender that records the op."""
    function = FUNCTIONS[case.rule.name]
    return Contender("fastgrad", lambda: function(*case.leaves, **case.params), dict)


def _backward(case):
    """Return a Contender that computes the gradients of the leaves, from a graph that is kept."""
    y = FUNCTIONS[case.rule.name](*case.leaves, **case.params)
    leaves = [case.leaves[k] for k in case.places]

    def step():
        for leaf in leaves:
            leaf.grad = None
        y.backward(case.cotangent, retain_graph=True)

    return Contender("fastgrad", step, dict)


def _as_recorded(x):
    """Return an operand as the engine passes it to a vjp."""
    if isinstance(x, fg.Tensor):
        return x.detach()
    return fg.asarray(x) if isinstance(x, np.ndarray) else x


def _vjps(case):
    """Return a Contender that calls the vjps, without recording."""
    rule = case.rule
    operands, params = rule.bind(tuple(map(_as_recorded, case.leaves)), case.params)
    y = fg.tensor(case.y)

    def step():
        with fg.no_grad():
            if rule.together:
                rule.pull_all(case.cotangent, y, operands, params)
                return
            for k in case.places:
                rule.pull(k, case.cotangent, y, operands, params)

    return Contender("vjps", step, dict)


def _difference(name, pair, target, settings):
    timings = time_in_turns(pair, settings)
    mine, theirs = (t.median for t in timings)
    return Result(
        name, mine, theirs, pair[1].name, ratio=(mine - theirs) * 1e6, ratio_unit=" us", target=target,
        timings={c.name: t for c, t in zip(pair, timings)},
    )  # fmt: skip


def measure(rule, settings):
    """Return the Results of one rule: forward and, if a gradient flows, backward."""
    case = small_case(rule)
    case.check()
    numpy = Contender("NumPy", case.forward, dict)
    results = [_difference(f"{rule.name} forward", [_forward(case), numpy], FORWARD, settings)]
    if case.places:
        results.append(_difference(f"{rule.name} backward", [_backward(case), _vjps(case)], BACKWARD, settings))
    return results


def _row(rule):
    return Row(rule.name, lambda settings: measure(rule, settings), None, "<=", "what recording and the sweep add")


ROWS = {name: _row(RULES[name]) for name in OPS}
