"""Neural networks: layers, initialisers (`nn.init`), and what the layers compute as functions (`nn.functional`)."""

from fastgrad.nn import functional, init
from fastgrad.nn.containers import ModuleList, Sequential
from fastgrad.nn.layers import Flatten, Identity, Linear
from fastgrad.nn.module import Module, Parameter
from fastgrad.nn.random import seed

__all__ = [
    "Flatten",
    "Identity",
    "Linear",
    "Module",
    "ModuleList",
    "Parameter",
    "Sequential",
    "functional",
    "init",
    "seed",
]
