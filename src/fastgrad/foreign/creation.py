"""Random tensors, tensors of a given dtype, and the seed, in PyTorch's spelling.

All draws use the generator that initializers and dropout use. The default dtype is float64, as everywhere.
"""

import numpy as np

from fastgrad import devices, errors, parameters
from fastgrad._engine import asarray
from fastgrad._engine import tensor as new_leaf
from fastgrad._generator import generator as generator_of
from fastgrad._generator import seed
from fastgrad.foreign.values import lengths
from fastgrad.functions.arguments import plain


def Variable(data, requires_grad=False):
    """Return `data` as a Tensor, which requires a gradient if `requires_grad` is True. PyTorch's old spelling."""
    x = asarray(data)
    return x.requires_grad_() if requires_grad else x


class Generator:
    """A random generator of its own, for `generator=`.

    Parameters
    ----------
    device : "cpu"

    Attributes
    ----------
    rng : numpy.random.Generator
    """

    def __init__(self, device="cpu"):
        devices.check(device)
        self.rng = np.random.default_rng()

    def manual_seed(self, seed):
        """Seed the generator, and return it."""
        self.rng = np.random.default_rng(_seed_of(seed))
        return self


def _seed_of(seed):
    return parameters.integer(seed) % 2**64


def manual_seed(seed_value):
    """Seed the default generator: `fg.nn.seed`. The numbers that follow are not those of PyTorch."""
    seed(_seed_of(seed_value))


def _finished(values, dtype, requires_grad, device, out=None):
    devices.check(device)
    if out is not None:
        raise TypeError("out= is not supported here: assign the result, or write x[...] = result")
    return new_leaf(values, dtype=dtype, requires_grad=requires_grad)


def _sampler(name, draw, text):
    def sample(*size, generator=None, dtype=None, device=None, requires_grad=False):
        values = draw(generator_of(generator), parameters.shape(lengths(size)))
        return _finished(values, dtype, requires_grad, device)

    sample.__name__ = sample.__qualname__ = name
    sample.__doc__ = f"""Return a new Tensor of {text}.

    Parameters
    ----------
    *size : int, or one tuple of int
        `fg.{name}(2, 3)` or `fg.{name}((2, 3))`.
    generator : Generator, numpy.random.Generator or int, optional
        By default the one that `fg.manual_seed` seeds.
    dtype : dtype, optional
        By default float64.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor
    """
    return sample


def _sampler_like(name, sampler):
    def like(x, *, generator=None, dtype=None, device=None, requires_grad=False):
        x = asarray(x)
        return sampler(x.shape, generator=generator, dtype=dtype or x.dtype, device=device, requires_grad=requires_grad)

    like.__name__ = like.__qualname__ = name
    like.__doc__ = f"Return `fg.{sampler.__name__}` in the shape and dtype of `x`."
    return like


randn = _sampler("randn", lambda rng, size: rng.standard_normal(size), "standard normal numbers")
rand = _sampler("rand", lambda rng, size: rng.random(size), "uniform numbers from 0 to 1")
randn_like, rand_like = _sampler_like("randn_like", randn), _sampler_like("rand_like", rand)


def randint(low, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Return a new Tensor of integers from `low` to `high` (exclusive); `randint(high, size)` starts at 0.

    Parameters
    ----------
    low, high : int
    size : int or tuple of int
    generator : Generator, numpy.random.Generator or int, optional
    dtype : dtype, optional
        By default int64.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor
    """
    if size is None:
        low, high, size = 0, low, high
    if size is None:
        raise TypeError("randint() takes low, high and size, or high and size: use randint(10, (3,))")
    values = generator_of(generator).integers(low, high, parameters.shape(size))
    return _finished(values, dtype, requires_grad, device)


def randint_like(x, low, high=None, *, dtype=None, device=None):
    """Return `fg.randint` in the shape and dtype of `x`."""
    x = asarray(x)
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, x.shape, dtype=dtype or x.dtype, device=device)


def randperm(n, *, generator=None, dtype=None, device=None):
    """Return a random permutation of the integers from 0 to `n - 1`."""
    return _finished(generator_of(generator).permutation(parameters.integer(n)), dtype, False, device)


def normal(mean=0.0, std=1.0, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Return a new Tensor of normally distributed numbers.

    Parameters
    ----------
    mean, std : number, Tensor or array
    size : int or tuple of int, optional
        By default the shape of `mean` and `std`.
    generator : Generator, numpy.random.Generator or int, optional
    dtype : dtype, optional
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor
        No gradient flows to `mean` and `std`: write `mean + std * fg.randn(...)` for that.
    """
    size = None if size is None else parameters.shape(size)
    values = generator_of(generator).normal(plain(mean), plain(std), size)
    return _finished(values, dtype, requires_grad, device)


def bernoulli(p, *, generator=None):
    """Return 1 with the probability of each element of `p`, otherwise 0, in the dtype of `p`."""
    p = asarray(p)
    return new_leaf(generator_of(generator).random(p.shape) < plain(p), dtype=p.dtype)


def multinomial(weights, num_samples, replacement=False, *, generator=None):
    """Return indices, drawn with the probabilities that are proportional to the last axis of `weights`.

    Parameters
    ----------
    weights : Tensor or array, 1-d or 2-d
        Not negative. Need not sum to 1.
    num_samples : int
    replacement : bool
        Whether an index may be drawn several times.
    generator : Generator, numpy.random.Generator or int, optional

    Returns
    -------
    Tensor of int64
        `num_samples` indices for each row.
    """
    weights, rng = np.asarray(plain(weights), dtype=np.float64), generator_of(generator)
    if weights.ndim not in (1, 2):
        raise errors.ShapeError(f"multinomial: the weights have shape {weights.shape}: pass one or two axes")
    rows = np.atleast_2d(weights)
    drawn = [rng.choice(len(row), num_samples, replace=replacement, p=row / row.sum()) for row in rows]
    return new_leaf(np.array(drawn if weights.ndim == 2 else drawn[0]), dtype=np.int64)


def _typed(name, dtype):
    def make(*data, device=None):
        devices.check(device)
        return of_class(*data, dtype=dtype)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"Return a Tensor of {np.dtype(dtype).name} of the data, or without values for lengths."
    make.of_dtype = np.dtype(dtype)  # so that x.type(fg.FloatTensor) works
    return make


def of_class(*data, dtype=None, device=None):
    """`fg.Tensor(data)` in the default dtype, and `fg.Tensor(2, 3)`, uninitialized, as in PyTorch."""
    devices.check(device)
    dtype = np.dtype(dtype or np.float64)
    if all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in data):
        return new_leaf(np.empty(data if data else (0,), dtype))
    if len(data) != 1:
        kinds = ", ".join(type(part).__name__ for part in data)
        raise errors.DTypeError(f"Tensor() takes one sequence of numbers, or lengths, got {kinds}: use fg.tensor(data)")
    return new_leaf(data[0], dtype=dtype)


FloatTensor = _typed("FloatTensor", np.float32)
DoubleTensor = _typed("DoubleTensor", np.float64)
LongTensor = _typed("LongTensor", np.int64)
IntTensor = _typed("IntTensor", np.int32)
ShortTensor = _typed("ShortTensor", np.int16)
CharTensor = _typed("CharTensor", np.int8)
ByteTensor = _typed("ByteTensor", np.uint8)
BoolTensor = _typed("BoolTensor", np.bool_)
