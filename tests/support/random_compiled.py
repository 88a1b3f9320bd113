"""Random programs and nestings of transforms, compiled and eager: results must be equal to the bit.

`python -m tests.support.random_compiled FIRST LAST` runs the programs of a range of seeds and prints the differences.
"""

import collections
import sys
import warnings

import numpy as np

import fastgrad as fg
from fastgrad.errors import CompileError, FastgradError
from tests.support.random_nestings import Fastgrad, draw
from tests.support.random_programs import as_function


def bits(result):
    """Return nested results as something that is equal if all values are, to the bit."""
    if isinstance(result, (tuple, list)):
        return tuple(map(bits, result))
    if isinstance(result, dict):
        return tuple((key, bits(value)) for key, value in result.items())
    if isinstance(result, fg.Tensor):
        result = result.detach().numpy()
    a = np.asarray(result)
    # the sign and the payload of a NaN depend on the instruction that made it
    return a.dtype.str, a.shape, np.where(a != a, np.nan, a).tobytes() if a.dtype.kind in "fc" else a.tobytes()


def outcome(call):
    """Return the bits of a result, or the class of the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bits(call())
        except (FastgradError, np.linalg.LinAlgError) as error:
            return type(error).__name__ if not isinstance(error, CompileError) else CompileError


def nested(seed):
    """Return the point and the function of a seed, with the value beside the derivative where there is one."""
    x, steps, levels = draw(seed)
    f = program = as_function(fg, steps)
    for kind, d, u in levels:
        f = Fastgrad.apply(kind, f, d, u)
    if not levels or seed % 4:
        return x, f
    return x, lambda x: (f(x), program(x))


def points(x, seed, count=4):
    rng = np.random.default_rng(seed)
    return [x, *(np.asarray(x * rng.uniform(0.7, 1.2) + rng.normal(size=x.shape) * 0.1) for _ in range(count - 1))]


def compare(seed):
    """Return None if the compiled program of a seed agrees with the eager one, "refused", or what differs."""
    x, f = nested(seed)
    program = fg.compile(f)
    for k, at in enumerate(points(x, seed)):
        own = at.copy()
        found = outcome(lambda at=own: program(at))
        if found is CompileError:
            return "refused"
        other = at.copy()
        wanted = outcome(lambda at=other: f(fg.asarray(at)))
        if found != wanted or own.tobytes() != other.tobytes():
            return f"call {k}: {found} and not {wanted}"
    return None


def main():
    first, last = int(sys.argv[1]), int(sys.argv[2])
    counts = collections.Counter()
    for seed in range(first, last):
        found = compare(seed)
        counts["equal" if found is None else found if found == "refused" else "different"] += 1
        if found not in (None, "refused"):
            print(seed, found[:300], flush=True)
    print(dict(counts))


if __name__ == "__main__":
    main()
