"""Sample operands for rules that need more than an interval. Each function here makes one `samples=`."""


def normal(*cases):
    """Standard normal entries; cases are pairs of a shape, or a tuple of shapes in a list, and the parameters."""
    return lambda rng: [(_filled(shapes, rng.standard_normal), params) for shapes, params in cases]


def uniform(low, high, *cases):
    """Entries between `low` and `high`."""
    return lambda rng: [
        (_filled(shapes, lambda shape: rng.uniform(low, high, shape)), params) for shapes, params in cases
    ]


def signed(low, high, *cases):
    """Entries of both signs, `low` to `high` away from 0."""

    def draw(rng):
        entries = lambda shape: rng.uniform(low, high, shape) * rng.choice((-1, 1), shape)
        return [(_filled(shapes, entries), params) for shapes, params in cases]

    return draw


def complex_normal(*cases):
    """Complex entries, normal in both parts."""
    entries = lambda rng: lambda shape: rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return lambda rng: [(_filled(shapes, entries(rng)), params) for shapes, params in cases]


def _filled(shapes, entries):
    return tuple(map(entries, shapes)) if isinstance(shapes, list) else (entries(shapes),)
