"""Learning rate schedulers, in the module where PyTorch has them."""

from fastgrad.optim.composed import ChainedScheduler, SequentialLR
from fastgrad.optim.cycles import CosineAnnealingWarmRestarts, OneCycleLR
from fastgrad.optim.decay import ConstantLR, ExponentialLR, MultiplicativeLR, MultiStepLR, PolynomialLR
from fastgrad.optim.plateau import ReduceLROnPlateau
from fastgrad.optim.schedulers import CosineAnnealingLR, LambdaLR, LinearLR, Scheduler, StepLR

LRScheduler = Scheduler

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LambdaLR",
    "LinearLR", "LRScheduler", "MultiplicativeLR", "MultiStepLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau",
    "Scheduler", "SequentialLR", "StepLR",
]  # fmt: skip
