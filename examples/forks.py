"""A variable that is used more than once: the gradients of its branches add up."""

import argparse
import math

import fastgrad as fg

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

x, y = 0.5, -1.5

# By hand. x is used in three terms:
f = x * y + math.sin(x) + x * x
dx = y  # from x * y
dx += math.cos(x)  # from sin(x)
dx += x  # from x * x, first factor
dx += x  # from x * x, second factor
dy = x

# By fastgrad:
X = fg.tensor(x, requires_grad=True)
Y = fg.tensor(y, requires_grad=True)
F = X * Y + fg.sin(X) + X * X
F.backward()

print(f"{'':6}{'by hand':>24}{'by fastgrad':>24}")
for name, hand, engine in [("f", f, F), ("df/dx", dx, X.grad), ("df/dy", dy, Y.grad)]:
    print(f"{name:6}{hand!r:>24}{engine.item()!r:>24}")
    assert abs(hand - engine.item()) <= 2 * math.ulp(hand)  # fastgrad may add the branches in another order

# Gradients of several backward passes add up, too, until they are reset.
F = X * Y
F.backward()
print(f"\nafter a second backward pass, of x y: {X.grad.item()!r} = {dx!r} + {y!r}")
X.grad = None
