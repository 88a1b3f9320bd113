"""Accesses a tensor's memory out of bounds or freed. A script: `overrun.py none|dropped|behind|"far behind"`."""

import ctypes
import sys

import numpy as np

import fastgrad as fg


def main(fault):
    x = fg.tensor(np.ones(101))
    address = x.numpy().ctypes.data
    into = ctypes.create_string_buffer(8)
    if fault == "dropped":
        del x
    ctypes.memmove(into, address + {"behind": 808, "far behind": 840}.get(fault, 800), 8)
    print("not seen")


if __name__ == "__main__":
    main(*sys.argv[1:])
