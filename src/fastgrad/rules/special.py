"""The ops for functions of `scipy.special`, by SciPy's names: ufuncs, and functions in Python."""

from fastgrad.rules import (
    special_bessel,
    special_distributions,
    special_functions,
    special_gamma,
    special_hypergeometric,
    special_incomplete,
    special_integrals,
)
from fastgrad.rules.rule import FUNCTIONS

OPS = {}
for _family in (
    special_bessel, special_distributions, special_functions, special_gamma, special_hypergeometric, special_incomplete,
    special_integrals,
):  # fmt: skip
    OPS |= _family.OPS

# Ufuncs whose op is not in one of these families.
OTHERS = {"expit": "sigmoid", "log_expit": "logsigmoid"} | {
    name: name for name in ("cbrt", "erf", "erfc", "exp2", "expm1", "log1p")
}
# Ufuncs with several results.
SEVERAL = {
    "airy": special_bessel.airy, "ellipj": special_integrals.ellipj, "fresnel": special_integrals.fresnel,
    "shichi": special_integrals.shichi, "sici": special_integrals.sici,
}  # fmt: skip


def of_ufunc(name):
    """Return the function for a ufunc of `scipy.special`, or None."""
    return OPS.get(name) or SEVERAL.get(name) or FUNCTIONS.get(OTHERS.get(name))
