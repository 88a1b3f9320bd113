"""Logistic regression with fastgrad's L-BFGS and, if SciPy is installed, with SciPy's.

The optional argument is the number of iterations (default: 30).
"""

import argparse

import numpy as np

import fastgrad as fg
from fastgrad import optim
from fastgrad.demo.digits import load_digits, split_digits
from fastgrad.nn import functional as F

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=30, help="number of steps (default: 30)")
steps = parser.parse_args().steps
split = split_digits(load_digits(), seed=0)
labels = split.labels % 2  # odd or even
held_labels = split.held_labels % 2


def loss_of(w):
    """Mean negative log-likelihood with a small L2 penalty. `w` contains 64 weights and a bias."""
    return F.binary_cross_entropy_with_logits(split.x @ w[:64] + w[64], labels.astype(float)) + 1e-4 * fg.sum(w * w)


def accuracy(w):
    return np.mean((split.held_x @ w[:64] + w[64] > 0) == held_labels)


w = fg.tensor(np.zeros(65), requires_grad=True)
optimizer = optim.LBFGS([w], max_iter=1, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = loss_of(w)
    loss.backward()
    return loss


for k in range(steps):
    loss = optimizer.step(closure)
    if k % 5 == 0 or k == steps - 1:
        print(f"iteration {k:3d}   loss {loss:.6f}")
print(f"fastgrad's L-BFGS: {accuracy(w.numpy()):.1%} of {len(held_labels)} held-out digits are classified correctly")

try:
    from scipy.optimize import minimize
except ImportError:
    print("SciPy is not installed; scipy.optimize.minimize can use fg.value_and_grad directly")
else:
    found = minimize(fg.value_and_grad(loss_of), np.zeros(65), jac=True, method="L-BFGS-B", options={"maxiter": steps})
    print(f"SciPy's L-BFGS-B: loss {found.fun:.6f}, {accuracy(found.x):.1%}")
