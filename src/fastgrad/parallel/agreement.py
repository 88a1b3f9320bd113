"""What must be equal on all ranks: compared at the start, copied from rank 0, and verified by checksums."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from fastgrad._engine import Tensor, no_grad
from fastgrad._tree import map_leaves
from fastgrad.parallel import messages


def described(optimizer: Any, named: dict[str, Tensor]) -> dict[str, Any]:
    """Return what the ranks must have in common, part by part."""
    parts: dict[str, Any] = {"the optimizer": type(optimizer).__name__, "the number of parameters": len(named)}
    for k, group in enumerate(optimizer.param_groups):
        settings = ", ".join(f"{key}={value!r}" for key, value in group.items() if key != "params")
        parts[f"group {k}"] = f"{len(group['params'])} parameters with {settings}"
    for name, p in named.items():
        parts[name] = f"of shape {p.shape} and dtype {p.dtype.name}"
    return parts


def check_equal(ranks: Any, parts: dict[str, Any]) -> None:
    """Raise the same error on all ranks, unless `parts` is what rank 0 has."""
    first = ranks.broadcast(parts)
    names = [name for name in {**first, **parts} if first.get(name) != parts.get(name)]
    found = None if not names else (names[0], parts.get(names[0], "missing"), first.get(names[0], "missing"))
    rank = np.array([ranks.rank if found else ranks.size])
    ranks.minimum(rank, "the other ranks to describe their models")
    if rank[0] < ranks.size:
        raise messages.different(rank[0], *ranks.broadcast(found, root=rank[0]))


def copy_values(ranks: Any, tensors: list[Tensor]) -> None:
    """Give the tensors the values of rank 0."""
    with no_grad():
        for x in tensors:
            array = np.ascontiguousarray(x.detach().numpy()).copy()
            ranks.copy_from(0, array)
            if ranks.rank:
                x[...] = array


def copy_state(ranks: Any, optimizer: Any) -> None:
    """Give the optimizer the state of rank 0."""
    state = optimizer.state_dict() if ranks.rank == 0 else None
    if state is not None:
        state = map_leaves(lambda v: v.detach().numpy().copy() if isinstance(v, Tensor) else v, state)
    state = ranks.broadcast(state)
    if ranks.rank and (state["state"] or optimizer.state_dict()["state"]):
        optimizer.load_state_dict(state)


def first_difference(ranks: Any, named: dict[str, Tensor]) -> str | None:
    """Return the name of the first tensor that is not equal to the bit on all ranks, or None."""
    sums = np.array([zlib.crc32(np.ascontiguousarray(x.detach().numpy())) for x in named.values()], np.int64)
    both = np.concatenate([sums, -sums])
    ranks.minimum(both, "the checksums of the parameters")
    equal = both[: sums.size] == -both[sums.size :]
    return None if equal.all() else list(named)[int(np.argmin(equal))]
