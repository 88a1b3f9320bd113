"""The default random generator: of `fg.randn` and the like, of initializers and of dropout. Draws nothing itself."""

import numpy as np

_default = None


def seed(seed=None):
    """Seed the default generator. The same seed gives the same initial weights, dropout and random tensors.

    Parameters
    ----------
    seed : int, optional
        None uses entropy from the system.
    """
    global _default
    _default = np.random.default_rng(seed)


def generator(rng=None):
    """Return a `numpy.random.Generator`.

    Parameters
    ----------
    rng : numpy.random.Generator, object with such an attribute `rng`, int, or None
        A generator is returned as it is, an int is a seed, and None stands for the default generator.
    """
    rng = getattr(rng, "rng", rng)
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is not None:
        return np.random.default_rng(rng)
    if _default is None:
        seed()
    return _default
