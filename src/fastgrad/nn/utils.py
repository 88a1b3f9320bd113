"""Gradient clipping under PyTorch's name; defined in `fastgrad.optim`."""

from fastgrad.optim.clip import clip_grad_norm_, clip_grad_value_

__all__ = ["clip_grad_norm_", "clip_grad_value_"]
