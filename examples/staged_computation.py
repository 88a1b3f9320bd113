"""f(x, y) = (x + s(y)) / (s(x) + (x + y)^2), where s is the sigmoid, differentiated in stages.

Each stage is so simple that its local gradient is obvious. The backward pass has one or two lines for each line of the
forward pass, in reverse order.
"""

import argparse
import math

import fastgrad as fg

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

x, y = 3.0, -4.0

# By hand. The forward pass:
sigy = 1.0 / (1 + math.exp(-y))  # (1)
num = x + sigy  # (2)
sigx = 1.0 / (1 + math.exp(-x))  # (3)
xpy = x + y  # (4)
xpysqr = xpy * xpy  # (5)
den = sigx + xpysqr  # (6)
invden = 1.0 / den  # (7)
f = num * invden  # (8)

# The backward pass, from (8) to (1):
dnum = invden  # (8)
dinvden = num  # (8)
dden = (-1.0 / den**2) * dinvden  # (7)
dsigx = dden  # (6)
dxpysqr = dden  # (6)
dxpy = (2 * xpy) * dxpysqr  # (5)
dx = dxpy  # (4)
dy = dxpy  # (4)
dx += ((1 - sigx) * sigx) * dsigx  # (3)  += because x is used several times: gradients add up at forks
dx += dnum  # (2)
dsigy = dnum  # (2)
dy += ((1 - sigy) * sigy) * dsigy  # (1)


# By fastgrad:
def staged(x, y):
    return (x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2)


value, (gx, gy) = fg.value_and_grad(staged, argnums=(0, 1))(x, y)

print(f"{'':6}{'by hand':>24}{'by fastgrad':>24}")
for name, hand, engine in [("f", f, value), ("df/dx", dx, gx), ("df/dy", dy, gy)]:
    print(f"{name:6}{hand!r:>24}{float(engine)!r:>24}")
    assert abs(hand - engine) <= 2 * math.ulp(hand)  # fastgrad divides once; the stages invert and multiply
