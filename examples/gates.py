"""The sigmoid as four small gates, as one built-in gate, and as a user-defined gate."""

import argparse

import numpy as np

import fastgrad as fg

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()


# Any function with a known local gradient can be a gate. For the sigmoid with output s, it is (1 - s) s.
@fg.primitive(vjp=lambda g, y: g * (1 - y) * y)
def our_sigmoid(x):
    return 1 / (1 + np.exp(-x))


def decomposed(x):
    return 1 / (1 + np.exp(-x))  # negate, exp, add, divide


def built_in(x):
    return fg.sigmoid(x)


def by_hand(x):
    # One stage after the other, like the decomposed circuit.
    e = np.exp(-x)
    d = 1 + e
    dd = -1 / d**2
    de = dd
    return -(e * de)


fg.testing.check_grads(our_sigmoid, (np.array([-2.0, 0.0, 1.0]),))  # compare the rule with finite differences

print(f"{'x':>6}{'by hand':>24}{'decomposed':>24}{'built-in':>24}{'user-defined':>24}")
for x in -2.0, 0.0, 1.0, 3.0:
    row = [by_hand(x), fg.grad(decomposed)(x), fg.grad(built_in)(x), fg.grad(our_sigmoid)(x)]
    print(f"{x:6g}" + "".join(f"{float(g)!r:>24}" for g in row))
    # The rounding error of s carries over to 1 - s: at most two units in the last place of 1.
    assert max(row) - min(row) <= 2**-52

print("\nthe decomposed circuit, from the result to the input:")
t = decomposed(fg.tensor(1.0, requires_grad=True))
while t.operands:
    print(f"  {t.op:12} -> {t.item():.6f}")
    t = t.operands[-1]
