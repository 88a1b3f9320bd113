"""Sample operands for rules that need more than an interval. Each function returns a function for `samples=`."""


def normal(*cases):
    """Standard normal elements. Cases are pairs of a shape, or a list of shapes, and the parameters."""
    return lambda rng: [(_filled(shapes, rng.standard_normal), params) for shapes, params in cases]


def uniform(low, high, *cases):
    """Elements between `low` and `high`."""
    return lambda rng: [
        (_filled(shapes, lambda shape: rng.uniform(low, high, shape)), params) for shapes, params in cases
    ]


def signed(low, high, *cases):
    """Elements of both signs, with magnitudes from `low` to `high`."""

    def draw(rng):
        entries = lambda shape: rng.uniform(low, high, shape) * rng.choice((-1, 1), shape)
        return [(_filled(shapes, entries), params) for shapes, params in cases]

    return draw


def complex_normal(*cases):
    """Complex elements, with normal real and imaginary parts."""
    entries = lambda rng: lambda shape: rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return lambda rng: [(_filled(shapes, entries(rng)), params) for shapes, params in cases]


def _filled(shapes, entries):
    return tuple(map(entries, shapes)) if isinstance(shapes, list) else (entries(shapes),)
