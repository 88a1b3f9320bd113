"""Namespaces of PyTorch that scripts read without a GPU: `fg.cuda`, `fg.accelerator`, `fg.backends`, `fg.mps`."""

from types import SimpleNamespace

import numpy as np

from fastgrad import devices


def is_available():
    """Return False: fastgrad computes on the CPU."""
    return False


def nothing(*args, **kwargs):
    """Do nothing: there is no such device."""


def device_count():
    """Return 0."""
    return 0


cuda = SimpleNamespace(
    is_available=is_available, device_count=device_count, manual_seed=nothing, manual_seed_all=nothing,
    empty_cache=nothing, synchronize=nothing,
)  # fmt: skip
accelerator = SimpleNamespace(is_available=is_available, device_count=device_count, current_accelerator=nothing)
mps = SimpleNamespace(is_available=is_available, empty_cache=nothing, manual_seed=nothing)
# Settings that scripts assign; nothing reads them.
backends = SimpleNamespace(
    cudnn=SimpleNamespace(deterministic=True, benchmark=False, enabled=False),
    mps=SimpleNamespace(is_available=is_available, is_built=is_available),
    cuda=SimpleNamespace(is_built=is_available),
)


def get_default_dtype():
    """Return float64, the dtype of Python floats."""
    return np.dtype(np.float64)


def set_default_device(device):
    """Do nothing for the CPU; raise DeviceError for another device."""
    devices.check(device)


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Do nothing: all algorithms are deterministic."""
