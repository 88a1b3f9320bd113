"""Warns where the result of `max`, `min` or `sort` is unpacked as PyTorch's pair of values and indices.

The result is a Tensor, so that Python iterates over it, and either raises "too many values to unpack" or assigns two
rows. What stands in the program is read from its byte code, once per place.
"""

import dis
import warnings
from functools import lru_cache

from fastgrad import errors

_UNPACK = dis.opmap["UNPACK_SEQUENCE"]
# The functions that return pairs in PyTorch, and what to use here.
_PAIRS = {
    "max": "dim= for both, or fg.argmax for the indices",
    "min": "dim= for both, or fg.argmin for the indices",
    "sort": "fg.argsort for the indices",
}


def check(frame):
    """Warn if `frame` is unpacking the result of a call such as `x.max(1)` into two names.

    Parameters
    ----------
    frame : frame
        That in which a Tensor is iterated over.
    """
    code, at = frame.f_code, frame.f_lasti
    if code.co_code[at] == _UNPACK and code.co_code[at + 1] == 2:
        name = _called(code, at)
        if name is not None:
            warnings.warn(
                f"{name}() returns the values only, as in NumPy, and they are unpacked here; PyTorch returns values "
                f"and indices: use {_PAIRS[name]}",
                errors.PyTorchSpellingWarning,
                stacklevel=3,
            )


@lru_cache(maxsize=256)
def _called(code, at):
    """Return the name in `_PAIRS` of the function whose result the instruction at offset `at` unpacks, or None."""
    before = [step for step in dis.get_instructions(code) if step.offset < at and step.opname != "CACHE"]
    if not before or not before[-1].opname.startswith("CALL"):
        return None
    start = before[-1].positions[0], before[-1].positions[2]  # line and column of the called expression
    for step in reversed(before[:-1]):
        names = code.co_consts[step.arg] if step.opname == "KW_NAMES" else step.argval
        if type(names) is tuple and "axis" in names:  # NumPy's spelling
            return None
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and (step.positions[0], step.positions[2]) == start:
            return step.argval if step.argval in _PAIRS else None
    return None
