"""SciPy's modules for boxes. They need SciPy, an optional extra, when one of their functions is first used."""

from fastgrad.autograd.scipy import integrate, linalg, misc, signal, special, stats

__all__ = ["integrate", "linalg", "misc", "signal", "special", "stats"]
