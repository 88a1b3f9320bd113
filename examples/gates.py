"""What a gate is, is our choice: the sigmoid as four small gates, as one built-in gate, and as one of our own."""

import numpy as np

import fastgrad as fg


# Any function is a gate once we know its local gradient. For the sigmoid that is (1 - s) s, from its output alone.
@fg.primitive(vjp=lambda g, y: g * (1 - y) * y)
def our_sigmoid(x):
    return 1 / (1 + np.exp(-x))


def decomposed(x):
    return 1 / (1 + np.exp(-x))  # negate, exp, add one, one over


def built_in(x):
    return fg.sigmoid(x)


def by_hand(x):
    # One stage after the other, as the decomposed circuit does it.
    e = np.exp(-x)
    d = 1 + e
    dd = -1 / d**2
    de = dd
    return -(e * de)


fg.testing.check_grads(our_sigmoid, (np.array([-2.0, 0.0, 1.0]),))  # is the rule right? ask finite differences

print(f"{'x':>6}{'by hand':>24}{'decomposed':>24}{'built in':>24}{'our own gate':>24}")
for x in -2.0, 0.0, 1.0, 3.0:
    row = [by_hand(x), fg.grad(decomposed)(x), fg.grad(built_in)(x), fg.grad(our_sigmoid)(x)]
    print(f"{x:6g}" + "".join(f"{float(g)!r:>24}" for g in row))
    # 1 - s inherits the roundings of s, two units in the last place of 1 at most. Otherwise the formulas agree.
    assert max(row) - min(row) <= 2**-52

print("\nthe decomposed circuit, from the result back:")
t = decomposed(fg.tensor(1.0, requires_grad=True))
while t.operands:
    print(f"  {t.op:12} -> {t.item():.6f}")
    t = t.operands[-1]
