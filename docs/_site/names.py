"""The public names of fastgrad: which modules and names are public, in which groups. Does not import Sphinx.

A module is public if it is on the menu of another public module, which is its `__all__` or, for fastgrad itself, what
its `__init__.py` imports. The groups of fastgrad are the comments in that file.
"""

import ast
import importlib
import inspect
import io
import tokenize
from dataclasses import dataclass, field
from types import ModuleType

import fastgrad

# The package itself, and the modules that are not on its menu because users import them by their full names.
ROOTS = ("fastgrad", "fastgrad.errors", "fastgrad.micrograd.engine", "fastgrad.micrograd.nn")
# Modules with the names of another library, whose documentation describes them.
FACADES = ("fastgrad.numpy",)
# Classes that are not on a menu, because users get their instances from functions.
RETURNED = {"fastgrad.pictures.picture.Picture": "pictures", "fastgrad.pictures.table.Explanation": "pictures"}
# The groups of names that are imported later, by the package that defines them; others are called after their package.
GROUPS_OF_LATER = {
    "foreign": "names of PyTorch",
    "functions": "further functions of NumPy",
    "nn": "fastgrad.nn",
    "primitives": "ops of your own",
    "rules": "further functions of NumPy",
}


@dataclass
class Entry:
    """One documented object.

    Attributes
    ----------
    name : str
        Its full name, such as "fastgrad.tanh"; the name of its page.
    obj : object
    group : str
        The heading under which it is listed.
    aliases : list of str
        Other full names of the same object.
    """

    name: str
    obj: object
    group: str
    aliases: list = field(default_factory=list)

    @property
    def kind(self):
        """Return the directive of Sphinx's Python domain that documents it."""
        if inspect.isclass(self.obj):
            if issubclass(self.obj, BaseException):
                return "exception"
            return "class" if self.obj.__module__.startswith("fastgrad") else "data"
        return "function" if callable(self.obj) else "data"


def _comments(source):
    """Return the comments of a file that stand alone, by line."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT and t.line.startswith("#")}


def menu_of_fastgrad():
    """Return the names that `fastgrad/__init__.py` defines, with the comment above each as its group."""
    source = inspect.getsource(fastgrad)
    comments, menu = _comments(source), {}
    for statement in ast.parse(source).body:
        group = next((comments[line] for line in range(statement.lineno, 0, -1) if line in comments), "")
        if isinstance(statement, ast.ImportFrom):
            found = [alias.asname or alias.name for alias in statement.names]
        elif isinstance(statement, ast.Assign):
            targets = statement.targets[0]
            found = [node.id for node in getattr(targets, "elts", [targets]) if isinstance(node, ast.Name)]
        else:
            found = []
        menu.update({name: group for name in found if not name.startswith("_")})
    for name, module in fastgrad._LATER.items():
        package = (module or "").partition(".")[0]
        menu[name] = GROUPS_OF_LATER.get(package, package)
    return {name: group for name, group in menu.items() if name in dir(fastgrad)}


def menu(module):
    """Return the public names of a module, each with its group ("" if the module has no groups)."""
    if module is fastgrad:
        found = menu_of_fastgrad()
    else:
        errors = module is fastgrad.errors  # its functions build messages, and are not for users
        own = [
            name
            for name, obj in vars(module).items()
            if not name.startswith("_")
            and getattr(obj, "__module__", "") == module.__name__
            and (inspect.isclass(obj) or not errors)
        ]
        found = dict.fromkeys(getattr(module, "__all__", own), "")
    return {name: group for name, group in found.items() if not _is_private(getattr(module, name))}


def _is_private(obj):
    """Return whether an object is on a menu by accident: a module of another project, or one of our own classes."""
    return isinstance(obj, ModuleType) and not obj.__name__.startswith("fastgrad")


def public_modules():
    """Return the public modules, in the order of the menus."""
    found, todo = {}, list(ROOTS)
    while todo:
        name = todo.pop(0)
        if name not in found:
            found[name] = module = importlib.import_module(name)
            members = (getattr(module, word) for word in menu(module))
            todo += [m.__name__ for m in members if isinstance(m, ModuleType) and m.__name__ not in FACADES]
    return list(found.values())


def entries():
    """Return the documented objects. An object with several names has one entry, under the first of them."""
    by_object, found = {}, []
    for module in public_modules():
        for word, group in menu(module).items():
            obj, name = getattr(module, word), f"{module.__name__}.{word}"
            if isinstance(obj, ModuleType):
                continue
            known = by_object.get(id(obj)) if callable(obj) else None
            if known is None:
                error = inspect.isclass(obj) and issubclass(obj, BaseException)
                place = "errors and warnings" if error else group if module is fastgrad else module.__name__
                place = "fastgrad.micrograd" if place.startswith("fastgrad.micrograd") else place
                found.append(Entry(name, obj, place))
                by_object[id(obj)] = found[-1]
            else:
                known.aliases.append(name)
    for name, group in RETURNED.items():
        module, _, word = name.rpartition(".")
        found.append(Entry(name, getattr(importlib.import_module(module), word), group))
    return found


def members(cls):
    """Return the public methods and attributes of a class, those of its bases in fastgrad included."""
    return {
        name: getattr(cls, name)
        for name in dir(cls)
        if not name.startswith("_")
        and hasattr(cls, name)
        and any(name in vars(b) for b in cls.__mro__ if b.__module__.startswith("fastgrad"))
    }


def is_described(cls, name):
    """Return whether the docstring of a class describes one of its attributes, which then needs no own docstring."""
    text = inspect.getdoc(cls) or ""
    return f"\n{name} : " in text or f"`{name}`" in text
