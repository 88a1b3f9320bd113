"""Estimates length and friction of a pendulum from noisy angles, by differentiating through an integrator.

    theta'' = -(g / length) sin(theta) - friction theta'

The Jacobian of the residuals is computed by `fg.jacobian`, and the fit uses the Levenberg-Marquardt method. The
optional argument is the number of steps (default: 12).
"""

import argparse

import numpy as np

import fastgrad as fg

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=12, help="number of steps (default: 12)")
steps = parser.parse_args().steps
GRAVITY = 9.81
TRUE = np.array([1.3, 0.25])  # metres, 1/s
DT, N = 0.05, 80


def swing(parameters):
    """Return the angle at N times, DT apart, starting from rest at 1 radian (fourth-order Runge-Kutta)."""
    length, friction = parameters[0], parameters[1]

    def rate(state):
        theta, omega = state
        return omega, -(GRAVITY / length) * np.sin(theta) - friction * omega

    def moved(state, slope, h):
        return state[0] + h * slope[0], state[1] + h * slope[1]

    state, angles = (1.0 + 0.0 * length, 0.0 * length), []
    for _ in range(N):
        k1 = rate(state)
        k2 = rate(moved(state, k1, DT / 2))
        k3 = rate(moved(state, k2, DT / 2))
        k4 = rate(moved(state, k3, DT))
        state = tuple(s + DT / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4))
        angles.append(state[0])
    return np.stack(angles)


rng = np.random.default_rng(4)
readings = swing(TRUE) + 0.02 * rng.normal(size=N)


def residuals(parameters):
    return swing(parameters) - readings


jacobian = fg.jacobian(residuals)

guess, damping = np.array([0.7, 0.0]), 1e-2
print(f"{'step':>4}{'length':>10}{'friction':>10}{'rms error':>12}")
for k in range(steps):
    r, j = residuals(guess), jacobian(guess)
    print(f"{k:>4}{guess[0]:>10.4f}{guess[1]:>10.4f}{np.sqrt(np.mean(r * r)):>12.5f}")
    curvature = j.T @ j
    while True:
        move = np.linalg.solve(curvature + damping * np.diag(np.diag(curvature)), -j.T @ r)
        tried = guess + move
        if tried[0] > 0 and np.sum(residuals(tried) ** 2) <= np.sum(r * r):
            guess, damping = tried, damping / 5
            break
        damping *= 4
        if damping > 1e8:
            break
    if np.abs(move).max() < 1e-10:
        break
print(f"found {guess.round(4)}, true values {TRUE}")
