"""`autograd.scipy.misc`: `logsumexp`, which SciPy once had here."""

from fastgrad.autograd.scipy import special


def __getattr__(name):
    if name == "logsumexp":
        return special.logsumexp
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
