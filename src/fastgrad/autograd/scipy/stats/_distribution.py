"""What the distributions share: SciPy's signatures, supports, locations and scales. Formulas are in other files.

A distribution is a module, so that `import autograd.scipy.stats.norm` works, and SciPy's distribution for calls without
Tensors and for everything that has no derivative. With a Tensor among the arguments, values are those of the formulas,
which are written in differentiable functions: gradients flow to the argument, the shape parameters, `loc` and `scale`,
in both modes and to any order.

Arguments outside the support, or invalid parameters, do not reach the formulas, whose slopes may be infinite or NaN
there. Their densities are 0, and their gradients are 0.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np

from fastgrad._engine import Tensor, asarray
from fastgrad.autograd.numpy._functions import constants_as_values, function_for_boxes
from fastgrad.autograd.scipy._modules import ScipyModule
from fastgrad.autograd.scipy._passing import holds_box
from fastgrad.autograd.tracer import engine_primitive
from fastgrad.functions.creating import array
from fastgrad.rules.checks import values_of
from fastgrad.rules.comparison import where
from fastgrad.rules.exponential import log

scipy_stats = ScipyModule("scipy.stats")

PACKAGE = "fastgrad.autograd.scipy.stats"


def operand(x):
    """Return an argument as the formulas take it: a Tensor, a number or an array."""
    if isinstance(x, (list, tuple)):
        return array(x)  # also of boxes
    return x if isinstance(x, (Tensor, float, int)) else np.asarray(x)


class Distribution(ModuleType):
    """A distribution of `scipy.stats`.

    Parameters
    ----------
    name : str
        SciPy's name.
    shapes : str
        The names of the shape parameters, separated by spaces.
    support : tuple or callable
        The two ends of the support, or a function of the values of the shape parameters that returns them.
    valid : callable, optional
        Takes the values of the shape parameters and returns whether they are valid. By default they must be positive.
    formulas : dict
        Functions of the argument and the shape parameters, by the name of the method.
    """

    first = "x"
    trailing = ("loc", "scale")
    defaults = (0, 1)

    def __init__(self, name, shapes, support, valid, formulas):
        super().__init__(f"{PACKAGE}.{name}", f"`scipy.stats.{name}`, with derivatives.")
        self._name, self._shapes = name, tuple(shapes.split())
        self._support, self._valid = support, valid
        self._formulas = formulas
        for method in formulas:
            setattr(self, method, _method(self, method))
        self.__spec__ = ModuleSpec(self.__name__, None)
        sys.modules[self.__name__] = self

    def __reduce__(self):
        return import_module, (self.__name__,)

    def __call__(self, *args, **kwds):
        """Return the distribution with these parameters."""
        return Frozen(self, args, kwds)

    def __getattr__(self, name):
        if name[:2] == "__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = getattr(getattr(scipy_stats, self._name), name)
        return function_for_boxes(found, self.__name__) if callable(found) else found

    def __dir__(self):
        return sorted({*self._formulas, *dir(getattr(scipy_stats, self._name))})

    def _call(self, method, x, *args, **kwds):
        """Return what a method returns for Tensors."""
        return self._evaluate(method, operand(x), *self._parameters(method, args, kwds))

    def _parameters(self, method, args, kwds):
        """Return the shape parameters, `loc` and `scale` of a call."""
        names = (*self._shapes, *self.trailing)
        if len(args) > len(names):
            raise TypeError(f"{self._name}.{method}() takes at most {len(names) + 1} arguments, got {len(args) + 1}")
        found = dict(zip(names, args, strict=False))
        for word, value in kwds.items():
            if word not in names or word in found:
                problem = "multiple values for" if word in found else "an unexpected keyword"
                raise TypeError(f"{self._name}.{method}() got {problem} argument {word!r}")
            found[word] = value
        missing = [word for word in self._shapes if word not in found]
        if missing:
            raise TypeError(f"{self._name}.{method}() missing arguments: {', '.join(missing)}")
        given = [found.get(word, 0) for word in self._shapes]
        given += [found.get(word, default) for word, default in zip(self.trailing, self.defaults, strict=True)]
        return [operand(value) for value in given]

    def _domain(self, shapes):
        """Return the ends of the support, and whether the shape parameters are valid: values, not Tensors."""
        numbers = [values_of(shape) for shape in shapes]
        if self._valid is not None:
            valid = self._valid(*numbers)
        else:
            valid = True
            for number in numbers:
                valid = valid & (number > 0)
        low, high = self._support(*numbers) if callable(self._support) else self._support
        return low, high, valid


def _method(distribution, name):
    def evaluated(*args, **kwds):
        if holds_box(args, kwds):
            return constants_as_values(distribution._call(name, *args, **kwds))
        return getattr(getattr(scipy_stats, distribution._name), name)(*args, **kwds)

    method = engine_primitive(evaluated, name)
    method.__qualname__ = f"{distribution._name}.{name}"
    method.__module__ = distribution.__name__
    method.__doc__ = f"`scipy.stats.{distribution._name}.{name}`, with derivatives."
    return method


class Frozen:
    """A distribution with given parameters."""

    def __init__(self, distribution, args, kwds):
        self.dist, self.args, self.kwds = distribution, args, kwds

    def __getattr__(self, name):
        if name[:2] == "__":
            raise AttributeError(name)
        if name in self.dist._formulas:
            method = getattr(self.dist, name)
            return lambda x: method(x, *self.args, **self.kwds)
        freeze = function_for_boxes(getattr(scipy_stats, self.dist._name).freeze, self.dist.__name__)
        return getattr(freeze(*self.args, **self.kwds), name)


def settle(y, keep, formula, shapes, inside, fill):
    """Return `formula(y, *shapes)` where `keep`, and `fill` elsewhere, where `y` does not reach the formula."""
    if np.all(keep):
        return formula(y, *shapes)
    z = formula(where(keep, y, inside), *shapes)
    if not isinstance(z, Tensor):
        return np.where(keep, z, fill)
    return where(keep, z, np.asarray(fill, z.dtype))


def _between(low, high):
    """Return a number in the support."""
    if np.ndim(low) == np.ndim(high) == 0:
        low, high = float(low), float(high)
        if low > -np.inf:
            return (low + high) / 2 if high < np.inf else low + 1
        return high - 1 if high < np.inf else 0.0
    low, high = np.broadcast_arrays(np.asarray(low, float), high)
    middle = np.where(low > -np.inf, low + 1, np.where(high < np.inf, high - 1, 0))
    bounded = (low > -np.inf) & (high < np.inf)
    middle[bounded] = (low[bounded] + high[bounded]) / 2
    return middle


# The values of a method below and above the support.
_OUTSIDE = {
    "pdf": (0, 0),
    "logpdf": (-np.inf, -np.inf),
    "cdf": (0, 1),
    "logcdf": (-np.inf, 0),
    "sf": (1, 0),
    "logsf": (0, -np.inf),
}


class Continuous(Distribution):
    """A continuous distribution; its formulas are those of `loc=0` and `scale=1`.

    If it `vanishes` at the ends of its support, the formulas need not be defined there.
    """

    def __init__(self, name, shapes, support, valid, formulas, vanishes):
        super().__init__(name, shapes, support, valid, formulas)
        self._vanishes = vanishes

    def _evaluate(self, method, x, *given):
        *shapes, loc, scale = given
        if method in ("ppf", "isf"):
            return self._quantile(method, x, shapes, loc, scale)
        unit = type(scale) in (int, float) and scale == 1
        y = x if type(loc) in (int, float) and loc == 0 else x - loc
        y = y if unit else y / scale
        low, high, valid = self._domain(shapes)
        if not unit:
            valid = valid & (values_of(scale) > 0)
        below = above = False
        if self._support is not REAL:
            at = values_of(y)
            if method in ("pdf", "logpdf") and not self._vanishes:
                below, above = (at < low) | (at == -np.inf), (at > high) | (at == np.inf)
            else:
                below, above = at <= low, at >= high
        keep, fill, middle = valid, np.nan, 0
        if self._support is not REAL:
            keep, middle = valid & ~below & ~above, _between(low, high)
            fill = np.where(valid, np.where(below, *_OUTSIDE[method]), np.nan)

        def formula(y, *shapes):
            z = self._formulas[method](y, *shapes)
            if unit or method not in ("pdf", "logpdf"):
                return z
            return z / scale if method == "pdf" else z - log(scale)

        return settle(y, keep, formula, shapes, middle, fill)

    def _quantile(self, method, q, shapes, loc, scale):
        low, high, valid = self._domain(shapes)
        at = values_of(q)
        ends = (low, high) if method == "ppf" else (high, low)
        fill = np.where(at == 0, ends[0], np.where(at == 1, ends[1], np.nan))
        y = settle(q, valid & (at > 0) & (at < 1), self._formulas[method], shapes, 0.5, np.where(valid, fill, np.nan))
        y = y * scale + loc
        positive = values_of(scale) > 0
        return y if np.all(positive) else where(positive, asarray(y), np.nan)


REAL = (-np.inf, np.inf)
POSITIVE = (0, np.inf)
UNIT = (0, 1)
