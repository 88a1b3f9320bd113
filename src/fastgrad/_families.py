"""Array functions that are imported when one of them is first used, so that `import fastgrad` stays fast.

`NAMES` lists the names on `fastgrad`, by the module that defines them; `NAMESPACES` are modules on `fastgrad` whose
functions have the names of NumPy's module. Their rules are in `rules/`, in the families that `rules/later.py` lists.
"""

from importlib import import_module

NAMES = {
    "rules.curves": "convolve vander",
    "rules.missing": "nancumprod nancumsum nanmax nanmean nanmin nanprod nanstd nansum nanvar",
    "rules.quantiles": "median nanmedian nanpercentile nanquantile partition percentile quantile",
    "rules.selecting": "compress delete extract resize",
    "rules.ufuncs": """
        around cbrt deg2rad degrees fabs fix float_power fmax fmin fmod heaviside i0 ldexp logaddexp2 rad2deg
        radians rint sinc
    """,
    "functions.algebra": "cross inner kron matvec vdot vecmat",
    "functions.applying": "apply_along_axis apply_over_axes",
    "functions.averages": "average corrcoef cov ptp",
    "functions.blocks": """
        array_split atleast_1d atleast_2d atleast_3d block column_stack dsplit dstack hsplit rollaxis trim_zeros vsplit
    """,
    "functions.calculus": "correlate gradient interp trapezoid unwrap",
    "functions.choosing": "choose diagflat insert piecewise select",
    "functions.polynomials": "polyadd polyder polydiv polyint polymul polysub polyval",
    "functions.contractions": "einsum tensordot",
    "functions.counting": "bincount histogram",
    "functions.elementwise": "frexp modf nan_to_num real_if_close",
    "functions.rearranging": "append ediff1d fliplr flipud rot90 sort_complex",
    "functions.scans": "cumulative_prod cumulative_sum diff",
    "functions.selecting": "argsort sort take take_along_axis",
    "functions.set_operations": "intersect1d setdiff1d setxor1d union1d",
    "functions.sets": "isin unique unique_all unique_counts unique_inverse unique_values",
    "functions.spaces": "geomspace logspace",
    "linalg.polynomials": "poly polyfit roots",
}
# Names that are not looked up for NumPy's functions, which run on the values.
CONSTANTS = {
    "functions.inspecting": """
        argpartition argwhere array_equiv bartlett bitwise_count blackman diag_indices diag_indices_from digitize
        flatnonzero gcd hamming hanning histogram_bin_edges identity indices iscomplex isneginf isposinf
        isreal ix_ kaiser lcm lexsort mask_indices nanargmax nanargmin ravel_multi_index tri
        tril_indices tril_indices_from triu_indices triu_indices_from unravel_index
    """,
}
# Names that are not looked up, either: of writes, and of what NumPy does not dispatch.
OTHERS = {
    "functions.creating": "array c_ r_",
    "functions.writing": "copyto fill_diagonal place put put_along_axis putmask",
}
NAMESPACES = ("fft", "linalg")


def homes():
    """Return the module, relative to `fastgrad`, of each name; None for a name that is itself a module."""
    return {
        **{name: module for module, names in (NAMES | CONSTANTS | OTHERS).items() for name in names.split()},
        **dict.fromkeys(NAMESPACES),
    }


def load():
    """Import all families, and return their functions by NumPy's names, such as `rot90` and `linalg.inv`."""
    import_module("fastgrad.rules.later")
    found = {}
    for home, names in NAMES.items():
        module = import_module(f"fastgrad.{home}")
        found.update({name: getattr(module, name) for name in names.split()})
    for home in NAMESPACES:
        module = import_module(f"fastgrad.{home}")
        found.update({f"{home}.{name}": getattr(module, name) for name in module.__all__})
    return found
