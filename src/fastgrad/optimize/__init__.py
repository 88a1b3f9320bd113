"""Optimizers and solvers of SciPy, with derivatives filled in: `minimize`, `root`, `least_squares` and others.

The functions have the signatures of those of `scipy.optimize`, and return SciPy's results. They need SciPy, which is
imported when one of them is called.
"""

from fastgrad.optimize.equations import root, root_scalar
from fastgrad.optimize.fitting import curve_fit, least_squares
from fastgrad.optimize.minimizing import minimize

__all__ = ["curve_fit", "least_squares", "minimize", "root", "root_scalar"]
