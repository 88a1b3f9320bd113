"""The compiled engine. Parts, in dependency order: layout, storage, loops, kernels, tensor."""

from fastgrad.core.loops import loops_in_use
from fastgrad.core.storage import cache_info, clear_cache, set_cache_limit
from fastgrad.core.tensor import (
    Function,
    Tensor,
    asarray,
    debug_counts,
    detect_anomaly,
    enable_grad,
    gradients,
    is_grad_enabled,
    lean_harvest,
    lean_leaf,
    no_grad,
    tensor,
)

name = "cython"

__all__ = [
    "Function", "Tensor", "asarray", "cache_info", "clear_cache", "debug_counts", "detect_anomaly", "enable_grad", "gradients",
    "is_grad_enabled", "lean_harvest", "lean_leaf", "loops_in_use", "name", "no_grad", "set_cache_limit", "tensor",
]  # fmt: skip
