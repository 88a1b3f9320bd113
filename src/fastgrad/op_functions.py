"""What the functions of ops have in common in both engines: names, documentation and pickling. Depends on no engine."""

from fastgrad import made_functions

functions = {}  # op name -> Function; filled when the rules are imported


class LazyAttribute:
    """An attribute of a Function that is computed when it is read; `of_class` is its value on the class, if any."""

    def __init__(self, compute, of_class=None):
        self.compute, self.of_class = compute, of_class

    def __get__(self, function, kind):
        if function is not None:
            return self.compute(function.rule)
        if self.of_class is None:
            raise AttributeError("only instances have this attribute")
        return self.of_class


signature = LazyAttribute(lambda rule: rule.signature())
docstring = LazyAttribute(
    lambda rule: rule.docstring(), "The public function of one rule: callable on Tensors, arrays and scalars."
)


def is_built_in(rule):
    """Return whether a rule runs no code of users."""
    return (rule.forward.__module__ or "").startswith("fastgrad.rules.")


def names(rule):
    """Return the attributes that a Function has as Python's functions have them."""
    module = "fastgrad" if is_built_in(rule) else rule.forward.__module__
    return {"__name__": rule.name, "__qualname__": rule.name, "__module__": module, "__wrapped__": rule.forward}


def text(function):
    """Return the `repr` of a Function."""
    return f"<fastgrad function {function.rule.name}{function.__signature__}>"


def reduce(function):
    """Pickle a Function by the name of its op and the module that defines it; that of a user as `primitive` made it."""
    if "_recipe" in vars(function):
        return made_functions.reduced(function)
    return find_function, (function.rule.name, function.rule.forward.__module__)


def find_function(name, module):
    """Return the function of an op; the module that defines it is imported if necessary."""
    if name not in functions:
        __import__(module)
    return functions[name]


# --- functions of NumPy that call fastgrad's ---

NUMPY_FUNCTION = "A function of NumPy that calls fastgrad's where a Tensor is among the arguments."
REQUIRED = object()  # in place of the default of a parameter that has none
VALUES = object()  # as the counterpart: NumPy's function is called on the values of Tensors, and returns constants
numpy_functions = {}  # function of NumPy, or (ufunc, method) -> NumPyFunction, or None if fastgrad has none


def numpy_names(function, of=None):
    """Return the attributes that a NumPyFunction has as Python's functions have them; `of` is the ufunc of a method."""
    module = (getattr(of or function, "__module__", None) or "numpy").replace("numpy", "fastgrad.numpy", 1)
    return {
        "__name__": function.__name__,
        "__qualname__": f"{of.__name__}.{function.__name__}" if of is not None else function.__name__,
        "__module__": module,
        "__doc__": function.__doc__,
        "__wrapped__": function,
    }


def numpy_text(function):
    """Return the `repr` of a NumPyFunction."""
    return f"<{function.__module__} function {function.__qualname__}>"


def numpy_reduce(function):
    """Pickle a NumPyFunction by its name in `fastgrad.numpy`."""
    return function.__qualname__


def stacked(parts, dtype, asarray):
    """Return a list or tuple with Tensors inside as one Tensor, recorded; `asarray` converts its parts."""
    return asarray(functions["stack"](*map(asarray, parts), axis=0), dtype)
