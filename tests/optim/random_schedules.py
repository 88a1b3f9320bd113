"""Random schedules, as functions that build the same one with fastgrad and with PyTorch."""


def simple(rng):
    """Return a function of (library, optimizer) that builds a scheduler."""
    steps = int(rng.integers(1, 9))
    a, b = rng.uniform(0.05, 1.0, 2)
    return [
        lambda s, o: s.StepLR(o, steps, a),
        lambda s, o: s.CosineAnnealingLR(o, steps, eta_min=a / 50),
        lambda s, o: s.LinearLR(o, a, b, total_iters=steps),
        lambda s, o: s.LambdaLR(o, lambda t: a**t),
    ][rng.integers(4)]


def composed(rng):
    """Draw one scheduler, several chained, several in sequence, or sequences chained with others."""
    makes = [simple(rng) for _ in range(int(rng.integers(1, 4)))]
    kind = rng.integers(4)
    if kind == 0:
        return makes[:1]
    if kind == 1:
        return makes
    if kind == 2:
        return [lambda s, o: s.ChainedScheduler([make(s, o) for make in makes])]
    stones = sorted(int(m) for m in rng.integers(1, 12, len(makes) - 1))
    sequential = lambda s, o: s.SequentialLR(o, [make(s, o) for make in makes], milestones=stones)
    if rng.random() < 0.5:
        return [sequential]
    other = simple(rng)
    return [lambda s, o: s.ChainedScheduler([sequential(s, o), other(s, o)])]
