"""Pools of dead objects: what is made from one whose objects came back out of order is sound."""

import random

import pytest

import fastgrad as fg
from fastgrad.micrograd import Value


@pytest.mark.parametrize("make", [Value, lambda data: fg.tensor(data, requires_grad=True)], ids=["value", "tensor"])
def test_a_pool_whose_objects_died_out_of_order(make):
    draw = random.Random(0)
    for _ in range(4):
        leaves = [make(float(k)) for k in range(10_000)]
        results = [x * 2.0 for x in leaves]
        assert len(set(map(id, leaves + results))) == 20_000
        sum(results[1:], results[0]).backward()
        assert all(float(x.grad) == 2.0 for x in leaves)
        for made in (leaves, results):
            draw.shuffle(made)
            while made:
                made.pop()
