"""D = W X: dW = dD X^T and dX = W^T dD. These follow from the shapes, which allow only one way to multiply."""

import argparse

import numpy as np

import fastgrad as fg

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

rng = np.random.default_rng(0)
w = rng.normal(size=(5, 10))
x = rng.normal(size=(10, 3))
dd = rng.normal(size=(5, 3))  # the upstream gradient, with the shape of D

# By hand:
dw = dd @ x.T  # (5, 3) (3, 10) -> (5, 10), the shape of W
dx = w.T @ dd  # (10, 5) (5, 3) -> (10, 3), the shape of X

# By fastgrad:
W = fg.tensor(w, requires_grad=True)
X = fg.tensor(x, requires_grad=True)
D = W @ X
D.backward(dd)

print(f"{'':6}{'shape':>10}{'by hand, [0, 0]':>24}{'by fastgrad, [0, 0]':>24}  largest difference")
for name, hand, engine in [("dW", dw, W.grad.numpy()), ("dX", dx, X.grad.numpy())]:
    difference = np.abs(hand - engine).max()
    print(f"{name:6}{engine.shape!s:>10}{float(hand[0, 0])!r:>24}{float(engine[0, 0])!r:>24}  {difference:g}")
    np.testing.assert_array_max_ulp(hand, engine, 2)
