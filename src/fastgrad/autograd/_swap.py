"""`install`: from then on, `import autograd` finds fastgrad's modules."""

import importlib
import importlib.metadata
import importlib.util
import sys
import threading
import warnings
from importlib.abc import Loader, MetaPathFinder

from fastgrad.autograd._published import VERSION

_ROOT = "autograd"
_OURS = "fastgrad."
_lock = threading.RLock()


def _is_autograd(name):
    return name == _ROOT or name.startswith(_ROOT + ".")


class _Finder(MetaPathFinder, Loader):
    """Finds `autograd.x` as `fastgrad.autograd.x`, the same module under two names."""

    def find_spec(self, name, path=None, target=None):
        if not _is_autograd(name):
            return None
        if importlib.util.find_spec(_OURS + name) is None:
            raise ModuleNotFoundError(
                f"No module named {name!r}: fastgrad.autograd stands in for autograd {VERSION} and has no such module",
                name=name,
            )
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec):
        module = importlib.import_module(_OURS + spec.name)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        module.__spec__ = module.__spec__.loader_state  # the import system has set that of the other name

    def find_distributions(self, context=None):
        """Answer `importlib.metadata.version("autograd")` where autograd is not installed."""
        name = getattr(context, "name", None)
        return [_Distribution()] if name == _ROOT and not _installed.distribution else []


class _Distribution(importlib.metadata.Distribution):
    def read_text(self, filename):
        if filename == "METADATA":
            return f"Metadata-Version: 2.1\nName: {_ROOT}\nVersion: {VERSION}\n"
        return None

    def locate_file(self, path):
        return path


class _Installed:
    finder = None
    modules = None  # those of autograd itself, which come back with `uninstall`
    distribution = False  # whether autograd itself is installed


_installed = _Installed()


def install():
    """Let `import autograd`, and every submodule, find the modules of `fastgrad.autograd`, in this process.

    To be called before the first import of autograd. If autograd itself was imported before, its modules are put aside
    with a warning: what holds them continues to use them, and later imports find fastgrad's. Calling it again has no
    effect.

    Warns
    -----
    RuntimeWarning
        If autograd itself was imported before.
    """
    with _lock:
        if _installed.finder is not None:
            return
        theirs = {name: module for name, module in sys.modules.items() if _is_autograd(name)}
        if theirs:
            warnings.warn(
                "fastgrad.autograd.install(): autograd was imported before. What has imported it continues to use it; "
                "call install() before the first import of autograd",
                RuntimeWarning,
                stacklevel=2,
            )
        for name in theirs:
            del sys.modules[name]
        _installed.distribution = _has_distribution()
        _installed.modules, _installed.finder = theirs, _Finder()
        sys.meta_path.insert(0, _installed.finder)
        importlib.invalidate_caches()


def uninstall():
    """Undo `install`: later imports find autograd itself, if it is installed. Without `install` this has no effect."""
    with _lock:
        if _installed.finder is None:
            return
        sys.meta_path.remove(_installed.finder)
        for name in [name for name in sys.modules if _is_autograd(name)]:
            del sys.modules[name]
        sys.modules.update(_installed.modules)
        _installed.finder = _installed.modules = None
        importlib.invalidate_caches()


def _has_distribution():
    try:
        importlib.metadata.distribution(_ROOT)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
