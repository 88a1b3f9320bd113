"""Errors of our own elementary functions, in units of the last place (ulp), against mpmath with 50 digits.

`python -m tests.support.accuracy` prints the table of docs/numerics.md.
"""

import sys

import mpmath
import numpy as np

import fastgrad as fg

mpmath.mp.dps = 50


def neighbours(x, reach=4):
    """Return `x` and the doubles next to each of its elements."""
    x = np.asarray(x, dtype=np.float64)
    return np.concatenate([x + k * np.spacing(x) for k in range(-reach, reach + 1)])


def arguments(rng, n):
    """Return, by function, `n` arguments of each kind: dense ones, all magnitudes, next to where the code branches."""
    signs = rng.choice([-1.0, 1.0], n)
    small = signs * 2.0 ** rng.uniform(-1074, 0, n)
    patterns = rng.integers(1, 0x7FEFFFFFFFFFFFFF, n).view(np.float64)
    subnormal = rng.integers(1, 1 << 52, n).view(np.float64)
    halves = neighbours((rng.integers(-1020, 1020, n // 9) + 0.5) * np.log(2))  # where the reduction of exp steps
    roots = neighbours(np.sqrt(0.5) * 2.0 ** rng.integers(-1000, 1000, n // 9))  # and that of log
    turns = neighbours(rng.integers(1, 15000, n // 9) * (np.pi / 4))
    # Those next to multiples of pi/2 have the smallest remainders.
    multiples = np.arange(1, 7600) * (np.pi / 2)
    exponents = [rng.uniform(-1, 1, n), rng.uniform(-708, 709.7, n), rng.uniform(-745, -708, n), small, halves]
    one = np.abs(1 + rng.normal(size=n) * 2.0 ** -rng.uniform(1, 52, n))
    logs = [rng.uniform(0.5, 2, n), patterns, subnormal, one, roots]
    angles = [
        rng.uniform(-4, 4, n),
        rng.uniform(-12000, 12000, n),
        signs * rng.uniform(11990, 12010, n),
        signs * patterns,
        small,
        turns,
        rng.choice(multiples, n),
    ]
    both = [rng.uniform(-1, 1, n), rng.uniform(-40, 40, n), rng.uniform(-750, 750, n), small]
    return {
        "exp": exponents,
        "exp2": [e[np.abs(e) < 709] * 1.44 for e in exponents],
        "expm1": exponents,
        "log": logs,
        "log2": logs,
        "log10": logs,
        "log1p": [rng.uniform(-0.99999, 2, n), patterns, small[small > -0.9], roots - 1],
        "sin": angles,
        "cos": angles,
        "tanh": [*both, signs * rng.uniform(0.4, 0.6, n)],
        "erf": [signs * rng.uniform(0, 1, n), signs * rng.uniform(0.45, 0.6, n), signs * rng.uniform(1, 6.1, n), small],
        "sigmoid": both,
        "softplus": both,
    }


def powers(rng, n):
    """Return `n` bases and exponents of each kind: small ones, results of all magnitudes, bases near 1."""
    wide = 2.0 ** rng.uniform(-1000, 1000, n)
    near = 1 + rng.uniform(-1, 1, n) * 2.0 ** -rng.uniform(3, 40, n)
    near = near[near != 1]
    return [
        (rng.uniform(0, 10, n), rng.uniform(-5, 5, n)),
        (-rng.uniform(0, 10, n), rng.integers(-9, 9, n).astype(float)),
        (wide, rng.uniform(-707, 707, n) / np.log(wide)),
        (near, rng.uniform(-707, 707, len(near)) / np.log(near)),
    ]


def references():
    """Return mpmath's functions by name."""
    one = mpmath.mpf(1)
    return {
        "exp": mpmath.exp,
        "exp2": lambda x: mpmath.power(2, x),
        "expm1": mpmath.expm1,
        "log": mpmath.log,
        "log2": lambda x: mpmath.log(x) / mpmath.log(2),
        "log10": mpmath.log10,
        "log1p": mpmath.log1p,
        "sin": mpmath.sin,
        "cos": mpmath.cos,
        "tanh": lambda x: mpmath.tanh(x) if abs(x) > one / 2**30 else x - x**3 / 3,
        "erf": mpmath.erf,
        "sigmoid": lambda x: one / (one + mpmath.exp(-x)),
        "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    }


def error_in_ulps(value, exact):
    """Return |value - exact|, in units of the last place of `exact` rounded to a double."""
    nearest = abs(float(exact))
    if not np.isfinite(nearest):
        return 0.0 if value == float(exact) else np.inf
    return float(abs(mpmath.mpf(value) - exact) / mpmath.mpf(float(np.spacing(nearest))))


def worst_errors(seed, n):
    """Return, by function, the largest error in ulp and the argument that has it."""
    exact = references()
    found = {}
    for name, draws in arguments(np.random.default_rng(seed), n).items():
        x = np.concatenate(draws)
        y = getattr(fg, name)(fg.tensor(x)).numpy()
        errors = [error_in_ulps(value, exact[name](mpmath.mpf(v))) for value, v in zip(y.tolist(), x.tolist())]
        worst = int(np.argmax(errors))
        found[name] = errors[worst], float(x[worst]), len(x)
    x, e = np.concatenate(powers(np.random.default_rng(seed), n), axis=1)
    y = fg.power(fg.tensor(x), fg.tensor(e)).numpy()
    errors = [error_in_ulps(v, mpmath.power(*pair)) for v, *pair in zip(y.tolist(), x.tolist(), e.tolist())]
    worst = int(np.argmax(errors))
    found["power"] = errors[worst], (float(x[worst]), float(e[worst])), len(x)
    return found


if __name__ == "__main__":
    points = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    print("| function | largest error in ulp | at | arguments |\n|---|---|---|---|")
    for name, (error, x, count) in worst_errors(0, points).items():
        print(f"| `{name}` | {error:.2f} | {x!r} | {count} |")
