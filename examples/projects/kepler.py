"""Fits the orbit of a comet by implicit differentiation: its position is the root of Kepler's equation.

The eccentric anomaly E at the mean anomaly M solves E - e sin(E) = M. Newton's method finds it, and the rule of the
gate differentiates the equation instead of the iterations. The optional argument is the number of steps (default: 80).
"""

import argparse

import numpy as np

import fastgrad as fg

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=80, help="number of steps (default: 80)")
steps = parser.parse_args().steps


def pull(g, theta, y, equation):
    # dE/dtheta = -(dF/dE)^-1 dF/dtheta; the elements are independent, so that dF/dE is diagonal.
    slope = fg.vjp(lambda E: equation(theta, E), y)[1](fg.ones_like(y))[0]
    return -fg.vjp(lambda theta: equation(theta, y), theta)[1](g / slope)[0]


@fg.primitive(options="equation", vjp=(pull, None))
def root(equation, theta, start):
    """The solution of `equation(theta, E) = 0` for every element of `start`, by Newton's method."""
    E = start
    for _ in range(100):
        step = equation(theta, E) / fg.elementwise_grad(equation, 1)(theta, E)
        E = E - step
        if np.abs(step).max() < 1e-13:
            return E
    raise ArithmeticError("Newton's method did not converge")


def orbit(theta, time):
    """Positions at the times, for half-axis, eccentricity and period."""
    half_axis, eccentricity, period = theta
    mean = 2 * np.pi * time / period
    parameters = np.stack([eccentricity + 0 * mean, mean])
    E = root(lambda p, E: E - p[0] * np.sin(E) - p[1], parameters, np.full(len(time), np.pi))
    short = half_axis * np.sqrt(1 - eccentricity**2)
    return np.stack([half_axis * (np.cos(E) - eccentricity), short * np.sin(E)])


rng = np.random.default_rng(4)
time = np.linspace(0.2, 5.8, 25)
true = np.array([2.0, 0.6, 6.0])
seen = orbit(true, time).numpy() + 0.01 * rng.normal(size=(2, 25))

fg.testing.check_grads(lambda theta: orbit(theta, time), (true,), order=2)
print("gradients through the root agree with finite differences, to second order")


def loss(theta):
    return np.sum((orbit(theta, time) - seen) ** 2)


theta, damping = np.array([1.5, 0.3, 5.5]), 1.0
value, gradient = fg.value_and_grad(loss)(theta)
for _ in range(steps):  # damped Newton steps: more damping after a failure, less after a success
    tried = theta - np.linalg.solve(fg.hessian(loss)(theta) + damping * np.eye(3), gradient)
    new = fg.value_and_grad(loss)(tried) if 0 < tried[1] < 0.95 else (np.inf, None)
    if new[0] < value:
        theta, damping, (value, gradient) = tried, damping / 3, new
    else:
        damping *= 5
print(f"half-axis {theta[0]:.3f}, eccentricity {theta[1]:.3f}, period {theta[2]:.3f}; true values 2, 0.6, 6")
