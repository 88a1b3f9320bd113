"""A user-defined gate, from a NumPy function and its vjp: checked, differentiated twice, and used to fit a line.

The gate is the Huber function, which is quadratic near 0 and linear far from 0, so that outliers have bounded
gradients. The optional argument is the number of steps (default: 400).
"""

import argparse

import numpy as np

import fastgrad as fg
from fastgrad.testing import check_grads

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=400, help="number of steps (default: 400)")
steps = parser.parse_args().steps


@fg.primitive(vjp=lambda g, r, delta: g * fg.clip(r, -delta, delta), elementwise=True)
def huber(r, /, delta=1.0):
    """r**2 / 2 for abs(r) <= delta, and linear with the same slope beyond."""
    bounded = np.clip(r, -delta, delta)
    return bounded * (r - 0.5 * bounded)


check_grads(lambda r: huber(r, delta=0.7), (np.array([-2.0, -0.3, 0.1, 0.5, 3.0]),), order=2)
print("the vjp of the gate agrees with finite differences, to first and second order")

rng = np.random.default_rng(2)
x = np.linspace(-1, 1, 40)
y = 3.0 * x - 1.0 + 0.1 * rng.normal(size=40)
y[::8] += 15.0  # outliers, all on one side


def fit(penalty):
    line = np.zeros(2)
    gradient = fg.grad(lambda p: np.mean(penalty(p[0] * x + p[1] - y)))
    for _ in range(steps):
        line = line - 0.3 * gradient(line)
    return line


squares, robust = fit(lambda r: 0.5 * r * r), fit(lambda r: huber(r, delta=0.5))
print(f"true line             y = {3.0:6.3f} x {-1.0:+6.3f}, every eighth point is an outlier")
print(f"least squares         y = {squares[0]:6.3f} x {squares[1]:+6.3f}")
print(f"Huber loss            y = {robust[0]:6.3f} x {robust[1]:+6.3f}")
