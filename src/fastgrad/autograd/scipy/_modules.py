"""SciPy's modules, which are imported at first use, because SciPy is an optional extra."""

from fastgrad._lazy import LazyModule


class ScipyModule(LazyModule):
    """Stands in for a module of SciPy, which is imported when one of its attributes is read."""

    def load(self):
        """Import the module, and return it; say how to install SciPy if it is missing."""
        try:
            return super().load()
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "scipy":
                raise
            raise ImportError(
                f"fastgrad.autograd needs SciPy for {self._name}: pip install scipy, or pip install fastgrad[scipy]"
            ) from None
