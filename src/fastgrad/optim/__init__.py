"""Optimizers, learning rate schedulers and gradient clipping, with PyTorch's definitions."""

from fastgrad.optim.clip import clip_grad_norm_, clip_grad_value_
from fastgrad.optim.composed import ChainedScheduler, SequentialLR
from fastgrad.optim.first_order import SGD, Adam, AdamW, RMSprop
from fastgrad.optim.lbfgs import LBFGS
from fastgrad.optim.optimizer import Optimizer
from fastgrad.optim.schedulers import CosineAnnealingLR, LambdaLR, LinearLR, Scheduler, StepLR

__all__ = [
    "LBFGS", "SGD", "Adam", "AdamW", "Optimizer", "RMSprop",
    "ChainedScheduler", "CosineAnnealingLR", "LambdaLR", "LinearLR", "Scheduler", "SequentialLR", "StepLR",
    "clip_grad_norm_", "clip_grad_value_",
]  # fmt: skip
