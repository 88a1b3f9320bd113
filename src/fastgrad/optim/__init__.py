"""Optimizers, learning rate schedulers and gradient clipping, with PyTorch's definitions."""

from fastgrad._lazy import lazy_module
from fastgrad.optim import lr_scheduler
from fastgrad.optim.adaptive import Adadelta, Adagrad, Adamax, RAdam
from fastgrad.optim.clip import clip_grad_norm_, clip_grad_value_
from fastgrad.optim.composed import ChainedScheduler, SequentialLR
from fastgrad.optim.cycles import CosineAnnealingWarmRestarts, OneCycleLR
from fastgrad.optim.decay import ConstantLR, ExponentialLR, MultiplicativeLR, MultiStepLR, PolynomialLR
from fastgrad.optim.first_order import SGD, Adam, AdamW, RMSprop
from fastgrad.optim.lbfgs import LBFGS
from fastgrad.optim.optimizer import Optimizer
from fastgrad.optim.plateau import ReduceLROnPlateau
from fastgrad.optim.schedulers import CosineAnnealingLR, LambdaLR, LinearLR, Scheduler, StepLR

answers = lazy_module("fastgrad.foreign.answers")

__all__ = [
    "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Optimizer", "RAdam", "RMSprop",
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LambdaLR",
    "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "Scheduler",
    "SequentialLR", "StepLR",
    "clip_grad_norm_", "clip_grad_value_", "lr_scheduler",
]  # fmt: skip


def __getattr__(name):
    raise answers.missing("optim", name)
