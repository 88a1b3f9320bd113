"""A function of the C library as a gate: called by ctypes, with its derivative, checked, and used to fit a curve.

C's `erf` takes one double. The gate applies it to every element of an array. Its derivative is 2/sqrt(pi) exp(-x**2),
and since the rule is made of fastgrad's functions, derivatives of every order follow. The optional argument is the
number of steps (default: 60).
"""

import argparse
import ctypes
import ctypes.util
import sys

import numpy as np

import fastgrad as fg

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=60, help="number of steps (default: 60)")
steps = parser.parse_args().steps

library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else ctypes.util.find_library("m"))
library.erf.argtypes, library.erf.restype = [ctypes.c_double], ctypes.c_double
erf_of_elements = np.vectorize(library.erf, otypes=[float])


@fg.primitive(vjp=lambda g, x: g * (2 / np.sqrt(np.pi)) * np.exp(-x * x), elementwise=True)
def erf(x, /):
    """The error function of the C library."""
    return erf_of_elements(x)


fg.testing.check_grads(erf, (np.array([-1.5, -0.2, 0.0, 0.7]),), order=3)
assert np.allclose(erf(np.linspace(-3, 3, 50)), fg.erf(np.linspace(-3, 3, 50)), rtol=1e-14)
print("the vjp of the C function agrees with finite differences, to third order")

# A measured step with smooth edges: where is it, how wide, how high?
rng = np.random.default_rng(3)
x = np.linspace(0, 10, 80)
measured = 1.5 * (1 + np.vectorize(library.erf)((x - 4.2) / 0.8)) + 0.03 * rng.normal(size=80)


def residuals(p):
    place, width, height = p
    return height * (1 + erf((x - place) / width)) - measured


p = np.array([5.0, 1.5, 1.0])
for _ in range(steps):  # the method of Gauss and Newton, with half steps
    p = p + 0.5 * np.linalg.lstsq(fg.jacobian(residuals)(p), -residuals(p).detach().numpy(), rcond=None)[0]
print(f"place {p[0]:.3f}, width {p[1]:.3f}, height {p[2]:.3f}; true values 4.2, 0.8, 1.5")
