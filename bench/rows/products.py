"""Matrix products: the forward pass and both gradients against the three matrix products that they consist of."""

import numpy as np

import fastgrad as fg
from bench.results import row
from fastgrad.benchmark.peers import peers
from fastgrad.benchmark.race import Contender, Race


def _matmul_row(n, target):
    name = f"matmul-{n}"

    @row(name, target=target, note="x1 @ x2 and both gradients, float64; against three bare np.matmul")
    def matmul_row(settings):
        rng = np.random.default_rng(7)
        size = settings.size(n, 32)
        a, b, g = (rng.normal(size=(size, size)) for _ in range(3))
        x1, x2, cotangent = fg.tensor(a, requires_grad=True), fg.tensor(b, requires_grad=True), fg.tensor(g)

        def step():
            x1.grad = x2.grad = None
            y = x1 @ x2
            y.backward(cotangent)
            return y, x1.grad, x2.grad

        def bare():
            return np.matmul(a, b), np.matmul(g, b.T), np.matmul(a.T, g)

        def answer(run):
            return lambda: dict(zip(("y", "g1", "g2"), (np.asarray(r) for r in run())))

        def mine():
            return [t.numpy() for t in step()]

        rivals = [Contender("3 np.matmul", bare, answer(bare)), *peers(name, a, b, g)]
        return Race(Contender("fastgrad", step, answer(mine)), rivals)


for _n, _target in ((1024, 1.03), (256, 1.05), (64, 1.0)):
    _matmul_row(_n, _target)
