"""Random nestings of transforms of random programs, by fastgrad and by PyTorch.

`python -m tests.support.random_nestings FIRST LAST FILE` runs the programs of a range of seeds with the engine in use
and writes their results to a file.
"""

import os
import pickle
import sys
import warnings

import numpy as np

import fastgrad as fg
from fastgrad.errors import MutationError
from tests.support.random_programs import LARGEST, as_function, draw_program

REFUSED = "MutationError"
KINDS = {
    "grad": 1, "jvp": 1, "jvp_moving": 1, "vjp": 1, "closure": 1, "hvp": 2, "jacobian": 1, "hessian": 2, "vmap": 0,
}  # fmt: skip


def draw_nesting(rng, shape, out, batched):
    """Return transforms, from the inside, with the arrays that they need, to order three at most."""
    levels, order = [], 0
    while order < 3 and (not order or rng.random() < 0.6):
        kind = sorted(KINDS)[rng.integers(len(KINDS))]
        size = int(np.prod(out, dtype=int))
        more = int(np.prod(shape, dtype=int))
        if order + KINDS[kind] > 3 or (kind == "jacobian" and size * more > LARGEST):
            continue
        if kind == "vmap" and (size > LARGEST // 2 or not batched):
            continue
        d, u = np.asarray(rng.normal(size=shape)), np.asarray(rng.normal(size=out))
        levels.append((kind, d, u))
        order += KINDS[kind]
        if kind == "jacobian":
            out = (*out, *shape)
        elif kind == "hessian":
            out = (*shape, *shape)
        elif kind == "vmap":
            out = (2, *out)
        elif kind not in ("jvp", "jvp_moving"):
            out = shape
    return levels


class Fastgrad:
    """Transforms of fastgrad."""

    m = fg

    @staticmethod
    def apply(kind, f, d, u):
        def weighed(x):
            return fg.sum(f(x) * u)

        if kind == "grad":
            return fg.grad(weighed)
        if kind == "jvp":
            return lambda x: fg.jvp(f, (x,), (d,))[1]
        if kind == "jvp_moving":
            return lambda x: fg.jvp(f, (x,), (x * 0.5 + d,))[1]
        if kind == "vjp":
            return lambda x: fg.vjp(f, x)[1](u)[0]
        if kind == "closure":
            return lambda x: fg.grad(lambda z: fg.sum(f(z + fg.sin(x) * 0.3) * u))(x * 0.5)
        if kind == "hvp":
            return lambda x: fg.hvp(weighed, (x,), (d,))
        if kind == "jacobian":
            return fg.jacobian(f)
        if kind == "vmap":
            return lambda x: fg.vmap(f)(fg.stack([x, x * 0.5 + d]))
        return fg.hessian(weighed)

    @staticmethod
    def value(f, x):
        y = f(x)
        return np.asarray(y.detach().numpy() if isinstance(y, fg.Tensor) else y)


def with_torch():
    """Return the transforms of PyTorch; Jacobians by one vjp per row, since `vmap` refuses some writes in place."""
    import torch

    def jacobian(f):
        def of(x):
            y, pull = torch.func.vjp(f, x)
            basis = torch.eye(y.numel(), dtype=y.dtype).reshape((y.numel(), *y.shape))
            rows = [pull(b)[0] for b in basis]
            return torch.stack(rows).reshape((*y.shape, *x.shape))

        return of

    class Torch:
        m = torch

        @staticmethod
        def apply(kind, f, d, u):
            d, u = torch.from_numpy(d), torch.from_numpy(u)

            def weighed(x):
                return (f(x) * u).sum()

            grad = torch.func.grad
            if kind == "grad":
                return grad(weighed)
            if kind == "jvp":
                return lambda x: torch.func.jvp(f, (x,), (d,))[1]
            if kind == "jvp_moving":
                return lambda x: torch.func.jvp(f, (x,), (x * 0.5 + d,))[1]
            if kind == "vjp":
                return lambda x: torch.func.vjp(f, x)[1](u)[0]
            if kind == "closure":
                return lambda x: grad(lambda z: (f(z + torch.sin(x) * 0.3) * u).sum())(x * 0.5)
            if kind == "hvp":
                return lambda x: torch.func.jvp(grad(weighed), (x,), (d,))[1]
            if kind == "jacobian":
                return jacobian(f)
            if kind == "vmap":
                return lambda x: torch.stack([f(x), f(x * 0.5 + d)])
            return jacobian(grad(weighed))

        @staticmethod
        def value(f, x):
            return (f(torch.from_numpy(x.copy())).detach() + 0).numpy()  # a tensor of zeros has no memory

    return Torch


def draw(seed):
    """Return the point, the steps and the transforms of a seed. Every second program writes in place."""
    rng = np.random.default_rng(seed)
    x, steps, out = draw_program(rng, seed % 2 == 1)
    return x, steps, draw_nesting(rng, x.shape, out, seed % 3 == 0)


def run(library, seed):
    """Return the value of a nested program at its point; REFUSED if it overwrites a value that is still needed."""
    x, steps, levels = draw(seed)
    f = as_function(library.m, steps)
    for kind, d, u in levels:
        f = library.apply(kind, f, d, u)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return library.value(f, x.copy())
    except MutationError:
        return REFUSED


def difference(a, b):
    """Return the largest difference of two results relative to their largest element, or None if they agree."""
    if isinstance(a, str) or isinstance(b, str):
        return None if isinstance(a, str) and isinstance(b, str) else np.inf
    if a.shape != b.shape:
        return np.inf
    both = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return np.inf
    scale = max(1.0, np.max(np.abs(b[both]), initial=0))
    off = np.max(np.abs(a[both] - b[both]), initial=0) / scale
    return None if off <= 1e-7 else off


def main():
    first, last, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    found = {}
    for seed in range(first, last):
        try:
            found[seed] = run(Fastgrad, seed)
        except Exception as error:  # compared as a result
            found[seed] = f"{type(error).__name__}: {error}"
    with open(path, "wb") as file:
        pickle.dump(found, file)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
