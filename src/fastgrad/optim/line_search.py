"""A line search for the strong Wolfe conditions by cubic interpolation, as in PyTorch's L-BFGS."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Point(NamedTuple):
    """A point on the line: step length, value, gradient, and slope along the line."""

    t: float
    f: float
    g: np.ndarray
    slope: float


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Return the minimum of the cubic through two values and slopes, within bounds (Nocedal and Wright, 2006, 3.59)."""
    low, high = bounds if bounds is not None else (min(a.t, b.t), max(a.t, b.t))
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    if a.t <= b.t:
        least = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        least = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(least, low), high)


def strong_wolfe(
    along: Callable[[float], tuple[float, np.ndarray]],
    t: float,
    direction: np.ndarray,
    f: float,
    g: np.ndarray,
    slope: float,
    tolerance_change: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    most: int = 25,
) -> tuple[float, np.ndarray, float, int]:
    """Return a step length that satisfies the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and 3.6).

    Parameters
    ----------
    along : function of a step length
        Returns the value and the gradient at that length.
    t : float
        The first length to try.
    direction, f, g, slope
        The direction of the line, and the value, gradient and slope at its start.
    tolerance_change : float
        Stop if the bracket, measured along the direction, is shorter.

    Returns
    -------
    (value, gradient, length, evaluations)
    """
    start = Point(0.0, f, g, slope)
    reach = float(np.abs(direction).max())
    count = 0

    def evaluate(t: float) -> Point:
        nonlocal count
        count += 1
        value, gradient = along(t)
        return Point(t, value, gradient, float(gradient @ direction))

    def sufficient_decrease(p: Point) -> bool:
        return p.f <= f + c1 * p.t * slope

    # bracketing phase, until two points enclose an acceptable one
    before, here = start, evaluate(t)
    tries, bracket = 0, None
    while tries < most:
        if not sufficient_decrease(here) or (tries > 1 and here.f >= before.f):
            bracket = [before, here]
            break
        if abs(here.slope) <= -c2 * slope:
            return here.f, here.g, here.t, count
        if here.slope >= 0:
            bracket = [before, here]
            break
        further = cubic_minimum(before, here, (here.t + 0.01 * (here.t - before.t), here.t * 10))
        before, here = here, evaluate(further)
        tries += 1
    if bracket is None:  # all points that were tried decrease the value
        bracket = [start, here]

    # zoom phase
    stalled = False
    low, high = (0, 1) if bracket[0].f <= bracket[-1].f else (1, 0)
    while tries < most:
        if abs(bracket[1].t - bracket[0].t) * reach < tolerance_change:
            break
        t = cubic_minimum(*bracket)
        ends = sorted(p.t for p in bracket)
        margin = 0.1 * (ends[1] - ends[0])
        if min(ends[1] - t, t - ends[0]) < margin:
            # close to an end: accepted once, then moved away from it
            if stalled or t >= ends[1] or t <= ends[0]:
                t = ends[1] - margin if abs(t - ends[1]) < abs(t - ends[0]) else ends[0] + margin
                stalled = False
            else:
                stalled = True
        else:
            stalled = False
        here = evaluate(t)
        tries += 1
        if not sufficient_decrease(here) or here.f >= bracket[low].f:
            bracket[high] = here
            low, high = (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)
        else:
            done = abs(here.slope) <= -c2 * slope
            if not done and here.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = here
            if done:
                break
    best = bracket[low]
    return best.f, best.g, best.t, count
