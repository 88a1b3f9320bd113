"""Neural networks: layers, initializers (`nn.init`), and the functions that layers compute (`nn.functional`)."""

from fastgrad.nn import functional, init, utils
from fastgrad.nn.activations import (
    ELU,
    GELU,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HingeLoss,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    MSELoss,
    MulticlassHingeLoss,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from fastgrad.nn.containers import ModuleList, Sequential
from fastgrad.nn.files import load, save
from fastgrad.nn.layers import Dropout, Embedding, Flatten, Identity, Linear
from fastgrad.nn.module import Module, Parameter
from fastgrad.nn.normalization import BatchNorm1d, BatchNorm2d, LayerNorm
from fastgrad.nn.random import get_rng_state, seed, set_rng_state
from fastgrad.nn.recurrent import GRU, LSTM, RNN
from fastgrad.nn.windows import AvgPool1d, AvgPool2d, Conv1d, Conv2d, MaxPool1d, MaxPool2d

__all__ = [
    "Module", "ModuleList", "Parameter", "Sequential",
    "Dropout", "Embedding", "Flatten", "Identity", "Linear", "BatchNorm1d", "BatchNorm2d", "LayerNorm",
    "Conv1d", "Conv2d", "AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d", "RNN", "LSTM", "GRU",
    "ELU", "GELU", "LeakyReLU", "LogSigmoid", "LogSoftmax", "ReLU", "Sigmoid", "SiLU", "Softmax", "Softplus", "Tanh",
    "BCEWithLogitsLoss", "CrossEntropyLoss", "HingeLoss", "MSELoss", "MulticlassHingeLoss",
    "functional", "get_rng_state", "init", "load", "save", "seed", "set_rng_state", "utils",
]  # fmt: skip
