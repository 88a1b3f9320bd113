"""`distributed`: an optimizer whose gradients are averages over all ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastgrad._engine import Tensor, host_step
from fastgrad.optim.optimizer import Optimizer
from fastgrad.parallel import agreement, messages
from fastgrad.parallel.buckets import BUCKET, Reducer, is_averaged
from fastgrad.parallel.ranks import Ranks, ranks
from fastgrad.tracebacks import boundary


class Distributed(Optimizer):
    """An optimizer of which every rank takes the same steps, made by `distributed`.

    It has the groups, the settings and the state dict of the optimizer that it was made of, which stays in use.

    Attributes
    ----------
    optimizer : Optimizer
    ranks : Ranks
    steps : int
        The number of steps taken.
    updating : bool
        Whether a step has begun and not ended: an interrupt may have left some parameters without their update.
    """

    def __init__(self, optimizer: Optimizer, ranks: Ranks, named: dict[str, Tensor], bucket: int, verify: int) -> None:
        self.optimizer, self.ranks, self.verify = optimizer, ranks, verify
        self.steps, self.updating = 0, False
        self._named, self._bucket = named, bucket
        self._reducer: Reducer | None = None
        self._attach()

    def _attach(self) -> None:
        """Average the gradients of all parameters from now on."""
        if self.ranks.size == 1:
            return
        params = [p for group in self.optimizer.param_groups for p in group["params"]]
        named = {id(p): name for name, p in self._named.items()}
        self._all = {named.get(id(p), f"parameter {k}"): p for k, p in enumerate(params)} | self._named
        agreement.check_equal(self.ranks, agreement.described(self.optimizer, self._all))
        agreement.copy_values(self.ranks, list(self._all.values()))
        agreement.copy_state(self.ranks, self.optimizer)
        if self._reducer is not None:
            self._reducer.detach()
        self._reducer = Reducer(self.ranks, params, self._bucket)

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The groups of the optimizer."""
        return self.optimizer.param_groups

    @property
    def defaults(self) -> dict[str, Any]:  # type: ignore[override]
        """The settings of groups that do not override them."""
        return self.optimizer.defaults

    @property
    def _loads(self) -> int:  # type: ignore[override]
        return self.optimizer._loads

    @boundary
    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add a group of parameters, on all ranks. Their values become those of rank 0."""
        self.optimizer.add_param_group(group)
        self._attach()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set each `.grad` to None, or to zero if `set_to_none` is False."""
        if self._reducer is not None:
            self._reducer.check_complete()
            self._reducer.forget()
        self.optimizer.zero_grad(set_to_none)

    @contextmanager
    def local(self) -> Iterator[None]:
        """Return a context in which `backward()` adds to `.grad` without communication.

        The first `backward()` after it averages what was added, and its own gradients. Inside, `.grad` has this rank's
        gradients times its share of the batch.
        """
        reducer = self._reducer
        if reducer is None:
            yield
            return
        host_step("local", lambda: _enter(reducer))
        try:
            yield
        finally:
            host_step("local", lambda: _leave(reducer))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, as the optimizer does.

        Parameters
        ----------
        closure : function, optional
            Recomputes the loss and its gradients. The optimizer gets the average of the losses of all ranks, so that a
            line search decides alike everywhere.

        Returns
        -------
        The result of the optimizer.
        """
        reducer = self._reducer
        given = closure
        if reducer is not None:
            reducer.check_complete()
            if given is not None:
                closure = lambda: self.ranks.mean(given())
        host_step("distributed step", self._begin)
        result = self.optimizer.step(closure)
        host_step("distributed step", self._count)
        return result

    def _begin(self) -> None:
        self.updating = True

    def _count(self) -> None:
        self.updating = False
        self.steps += 1
        if self._reducer is not None:
            self._reducer.forget()
        if self.verify and self.steps % self.verify == 0:
            self.check()

    def check(self) -> None:
        """Raise unless all parameters are equal to the bit on all ranks.

        Raises
        ------
        ParallelError
            Which names the first one that is not.
        """
        if self.ranks.size > 1:
            params = {name: p for name, p in self._all.items() if p.requires_grad}
            name = agreement.first_difference(self.ranks, params)
            if name is not None:
                raise messages.unequal(name, self.steps)

    def state_dict(self) -> dict[str, Any]:
        """Return the state dict of the optimizer, which is the same on all ranks."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a state dict into the optimizer: call it on all ranks with the same state."""
        self.optimizer.load_state_dict(state_dict)

    def __repr__(self) -> str:
        return f"{self.optimizer!r} on {self.ranks!r}"


def _enter(reducer: Reducer) -> None:
    reducer.depth += 1


def _leave(reducer: Reducer) -> None:
    reducer.depth -= 1


@boundary
def distributed(
    optimizer: Optimizer,
    *,
    model: Any = None,
    comm: Any = None,
    verify: int = 0,
    bucket_bytes: int = BUCKET,
) -> Distributed:
    """Return an optimizer that averages gradients over all ranks, so that all of them take the same steps.

    The parameters, the buffers of `model` and the state of the optimizer become those of rank 0. From then on, every
    `backward()` averages the gradients of the parameters, weighted by the share that each rank has of the batch, while
    it is still computing others. When it returns, `.grad` is the same on all ranks to the bit, so that clipping,
    schedulers and `optimizer.step()` need no change. If the loss is a mean over the rows of a batch, the gradients are
    those of one process with the whole batch, up to rounding.

    Gradients that are returned rather than stored, as by `fg.grad`, are not averaged: pass them to `ranks.mean`.

    Parameters
    ----------
    optimizer : Optimizer
    model : Module, or sequence of them, optional
        Whose buffers, and parameters that are not optimized, start from the values of rank 0 as well.
    comm : communicator of mpi4py, or Ranks, optional
        By default all processes that `mpiexec` has started.
    verify : int
        Compare the parameters of all ranks after every so many steps, and raise if they differ. 0 never does.
    bucket_bytes : int
        Small gradients are sent together, until there are so many bytes of them.

    Returns
    -------
    Distributed

    Raises
    ------
    ParallelError
        On all ranks, if they were given models or optimizers that differ.
    """
    if not isinstance(optimizer, Optimizer):
        raise messages.not_an_optimizer(type(optimizer).__name__)
    for name, value, low in ("verify", verify, 0), ("bucket_bytes", bucket_bytes, 1):
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < low:
            raise messages.bad_number(name, value, f"a whole number of at least {low}")
    if isinstance(optimizer, Distributed) or any(is_averaged(p) for g in optimizer.param_groups for p in g["params"]):
        raise messages.already_distributed()
    modules: Iterable[Any] = () if model is None else model if isinstance(model, (list, tuple)) else (model,)
    named: dict[str, Tensor] = {}
    for k, module in enumerate(modules):
        prefix = f"{k}." if isinstance(model, (list, tuple)) else ""
        named |= {prefix + name: p for name, p in module.named_parameters()}
        named |= {prefix + name: p for name, p in module.named_buffers()}
    return Distributed(optimizer, ranks(comm), named, bucket_bytes, verify)
