"""A linear classifier with the multiclass hinge loss: the gradients with respect to the weights and the data.

L = 1/N sum_i sum_{j != y_i} max(0, s_j - s_{y_i} + 1) + lambda sum W^2,    s = x_i W
"""

import argparse

import numpy as np

import fastgrad as fg

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

rng = np.random.default_rng(0)
n, features, classes, strength = 6, 4, 3, 0.1
x = rng.normal(size=(n, features))
w = rng.normal(size=(features, classes))
labels = rng.integers(classes, size=n)
rows = np.arange(n)

# By hand. The forward pass:
scores = x @ w
margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
margins[rows, labels] = 0
loss = margins.sum() / n + strength * (w * w).sum()
# The backward pass: a violated margin has gradient 1 / n for its score, and -1 / n for that of the true class.
dscores = (margins > 0) / n
dscores[rows, labels] = -(margins > 0).sum(axis=1) / n
dw = x.T @ dscores + 2 * strength * w
dx = dscores @ w.T


# By fastgrad, from elementary ops. The true class adds 1 in every row, which is subtracted at the end.
def objective(w, x):
    scores = x @ w
    margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
    return margins.sum() / n - 1 + strength * (w * w).sum()


value, (gw, gx) = fg.value_and_grad(objective, argnums=(0, 1))(w, x)


# With the loss function of fastgrad:
def built_in(w, x):
    return fg.nn.functional.multiclass_hinge_loss(x @ w, labels) + strength * (w * w).sum()


value2, (gw2, gx2) = fg.value_and_grad(built_in, argnums=(0, 1))(w, x)

print(f"{'':10}{'by hand':>22}{'by fastgrad':>22}{'loss function':>22}")
print(f"{'loss':10}{loss:22.16f}{value:22.16f}{value2:22.16f}")
for name, hand, engine, other in [("dW", dw, gw, gw2), ("dX", dx, gx, gx2)]:
    for k in range(3):
        print(f"{name}[0, {k}]  {hand[0, k]:22.16f}{engine[0, k]:22.16f}{other[0, k]:22.16f}")
    # The order of additions affects rounding: the results differ by a few units in the last place of the largest entry.
    assert np.abs(hand - engine).max() <= 4 * np.spacing(np.abs(hand).max())
    assert np.abs(hand - other).max() <= 4 * np.spacing(np.abs(hand).max())
