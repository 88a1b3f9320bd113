"""L-BFGS with PyTorch's definitions. A step runs several iterations along -H g, with H from the latest changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from fastgrad._engine import Tensor, enable_grad, no_grad
from fastgrad._state import converted, whole_number
from fastgrad.optim import messages
from fastgrad.optim.line_search import strong_wolfe
from fastgrad.optim.optimizer import Optimizer
from fastgrad.tracebacks import boundary


def _number(loss: Any) -> float:
    return float(loss.detach() if isinstance(loss, Tensor) else loss)


class LBFGS(Optimizer):
    """Limited-memory BFGS (Nocedal and Wright, 2006, chapter 7). All parameters form one vector, in one group.

    Parameters
    ----------
    params : iterable of Tensor
    lr : float
        The length of a step. With a line search it is only the first length to try: leave it at 1.
    max_iter : int
        The maximum number of iterations per step.
    max_eval : int, optional
        The number of evaluations of the closure per step after which iteration stops. By default 5/4 of `max_iter`. A
        line search evaluates at least one point, so there may be one more evaluation, as in PyTorch.
    tolerance_grad : float
        Stop if no element of the gradient is larger in magnitude.
    tolerance_change : float
        Stop if neither the loss nor any parameter changes by more.
    history_size : int
        The number of changes that are stored.
    line_search_fn : {None, "strong_wolfe"}

    References
    ----------
    Nocedal and Wright, "Numerical Optimization", second edition, Springer, 2006.
    """

    ranges: ClassVar = {"lr": (0, math.inf), "tolerance_grad": (0, math.inf), "tolerance_change": (0, math.inf)}

    @boundary
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr, "max_iter": max_iter, "max_eval": _evaluations(max_iter) if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )  # fmt: skip
        if len(self.param_groups) > 1:
            raise ValueError("LBFGS: all parameters form one vector: pass them in one group")
        self._memory = Memory()

    def check(self, group: dict[str, Any]) -> None:
        super().check(group)
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise messages.no_line_search(group["line_search_fn"])
        for key in "max_iter", "max_eval", "history_size":
            if not whole_number(group[key]):
                raise messages.not_a_count("LBFGS", key, group[key])

    def _gather(self) -> np.ndarray:
        """Return all gradients as one vector, with zeros for parameters without a gradient."""
        params: list[Tensor] = self.param_groups[0]["params"]
        return np.concatenate(
            [np.zeros(p.size, p.dtype) if p.grad is None else p.grad.detach().numpy().ravel() for p in params]
        )

    def _values(self) -> list[np.ndarray]:
        return [p.detach().numpy().copy() for p in self.param_groups[0]["params"]]

    def _write(self, values: list[np.ndarray], length: float, direction: np.ndarray) -> None:
        """Set the parameters to `values + length * direction`."""
        at = 0
        with no_grad():
            for p, value in zip(self.param_groups[0]["params"], values):
                p[...] = value + length * direction[at : at + p.size].reshape(p.shape)
                at += p.size

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Run the iterations and return the loss before the first one.

        Parameters
        ----------
        closure : function
            Clears the gradients, computes the loss, calls `backward()` and returns the loss.
        """
        if closure is None:
            raise messages.no_closure(type(self).__name__)
        group, memory = self.param_groups[0], self._memory
        self.check(group)

        def evaluate() -> float:
            with enable_grad():
                return _number(closure())

        with enable_grad():
            first = closure()
        loss, evaluations = _number(first), 1
        memory.evaluations += 1
        gradient = self._gather()
        if np.abs(gradient).max(initial=0) <= group["tolerance_grad"]:
            return first
        for count in range(1, group["max_iter"] + 1):
            memory.iterations += 1
            direction = memory.direction(gradient, group["history_size"])
            memory.gradient, memory.loss = gradient, loss
            slope = float(gradient @ direction)
            length = group["lr"] if memory.iterations > 1 else min(1.0, 1 / float(np.abs(gradient).sum())) * group["lr"]
            if slope > -group["tolerance_change"]:
                memory.length = length
                break
            left = group["max_eval"] - evaluations
            values, before = self._values(), loss
            used = 1
            if group["line_search_fn"] is not None:

                def along(t: float, values: Any = values, direction: Any = direction) -> tuple[float, np.ndarray]:
                    self._write(values, t, direction)
                    return evaluate(), self._gather()

                loss, gradient, length, used = strong_wolfe(
                    along, length, direction, loss, gradient, slope, group["tolerance_change"], most=left
                )
                self._write(values, length, direction)
            else:
                self._write(values, length, direction)
                if count != group["max_iter"] and left > 0:  # otherwise the next step evaluates the closure first
                    loss, gradient = evaluate(), self._gather()
                else:
                    used = 0
            memory.length = length
            evaluations += used
            memory.evaluations += used
            if evaluations >= group["max_eval"]:
                break
            if np.abs(gradient).max() <= group["tolerance_grad"]:
                break
            if np.abs(direction * length).max() <= group["tolerance_change"]:
                break
            if abs(loss - before) < group["tolerance_change"]:
                break
        return first

    def state_dict(self) -> dict[str, Any]:
        """Return the settings of the group, and the stored history as arrays."""
        made = super().state_dict()
        made["state"] = {0: self._memory.state()} if self._memory.iterations else {}
        return made

    def _read(self, entries: list[Mapping[str, Any]]) -> Any:
        params = self.param_groups[0]["params"]
        wrong = [f"{k}: LBFGS stores its state with parameter 0" for k, entry in enumerate(entries) if k and entry]
        dtype = np.result_type(*(p.dtype for p in params))
        memory = Memory.of(entries[0], sum(p.size for p in params), dtype, wrong)
        if wrong:
            raise messages.state_mismatch("LBFGS", wrong)
        return memory

    def _set_state(self, made: Any) -> None:
        self._memory = made


def _evaluations(max_iter: Any) -> Any:
    return max(1, max_iter * 5 // 4) if isinstance(max_iter, int) else max_iter


class Memory:
    """The latest changes of the parameters (`steps`) and of the gradients (`changes`), and the last iteration."""

    def __init__(self) -> None:
        self.iterations = self.evaluations = 0
        self.d: np.ndarray | None = None
        self.length = 0.0
        self.loss = math.nan
        self.gradient: np.ndarray | None = None
        self.changes: list[np.ndarray] = []
        self.steps: list[np.ndarray] = []
        self.scale = 1.0

    def direction(self, gradient: np.ndarray, history_size: int) -> np.ndarray:
        """Store the last change and return -H g, by the two-loop recursion over the stored changes."""
        if self.iterations == 1 or self.d is None or self.gradient is None:
            self.changes, self.steps, self.scale = [], [], 1.0
            self.d = -gradient
            return self.d
        y, s = gradient - self.gradient, self.d * self.length
        curvature = float(y @ s)
        if curvature > 1e-10:
            if len(self.changes) == history_size:
                del self.changes[0], self.steps[0]
            self.changes.append(y)
            self.steps.append(s)
            self.scale = curvature / float(y @ y)
        q, weights = -gradient, []
        for y, s in zip(reversed(self.changes), reversed(self.steps)):
            rho = 1 / float(y @ s)
            weights.append((rho, float(s @ q) * rho))
            q = q - weights[-1][1] * y
        q = q * self.scale
        for y, s, (rho, a) in zip(self.changes, self.steps, reversed(weights)):
            q = q + (a - float(y @ q) * rho) * s
        self.d = q
        return q

    def state(self) -> dict[str, Any]:
        """Return the state under PyTorch's names."""
        return {
            "func_evals": self.evaluations, "n_iter": self.iterations, "d": self.d, "t": self.length,
            "old_dirs": list(self.changes), "old_stps": list(self.steps), "H_diag": self.scale,
            "prev_flat_grad": self.gradient, "prev_loss": self.loss,
        }  # fmt: skip

    @classmethod
    def of(cls, state: Mapping[str, Any], size: int, dtype: np.dtype, wrong: list[str]) -> Memory:
        """Return the history in a state of fastgrad or PyTorch, for vectors of `size`; errors are added to `wrong`."""
        made = cls()

        def number(key: str, above: float = -math.inf) -> float:
            value = converted(state[key], (), np.dtype(float))
            # a loss may be any number
            if isinstance(value, str) or (key != "prev_loss" and not above < value < math.inf):
                wrong.append(f"0.{key}: {state[key]!r} is not a number" + " above 0" * (above == 0))
                return 0.0
            return float(value)

        def count(key: str) -> int:
            value = whole_number(state.get(key, 0))
            if value is None:
                wrong.append(f"0.{key}: {state[key]!r} is not a count")
            return value or 0

        def vector(key: str, value: Any) -> np.ndarray:
            got = converted(value, (size,), dtype)
            if isinstance(got, str):
                wrong.append(f"0.{key}: {got}")
                return np.zeros(size, dtype)
            return got

        wrong += [f"0.{key}: unexpected" for key in state if key not in _KEPT]
        made.evaluations, made.iterations = count("func_evals"), count("n_iter")
        if made.iterations == 0:  # the first step started at a minimum and only evaluated the closure
            return made
        wrong += [f"0.{key}: missing" for key in _KEPT[2:9] if state.get(key) is None]
        if wrong:
            return made
        made.d, made.gradient = vector("d", state["d"]), vector("prev_flat_grad", state["prev_flat_grad"])
        made.length, made.scale, made.loss = number("t"), number("H_diag", 0), number("prev_loss")
        for key, many in ("old_dirs", made.changes), ("old_stps", made.steps):
            if isinstance(state[key], (str, Mapping)) or not hasattr(state[key], "__len__"):
                wrong.append(f"0.{key}: {type(state[key]).__name__}, not a list of vectors")
            else:
                many += [vector(f"{key}[{k}]", value) for k, value in enumerate(state[key])]
        if len(made.changes) != len(made.steps):
            wrong.append(f"0.old_stps: has {len(made.steps)} vectors, but old_dirs has {len(made.changes)}")
        return made


# under PyTorch's names; the last two can be computed from the others
_KEPT = (
    "func_evals", "n_iter", "d", "t", "old_dirs", "old_stps", "H_diag", "prev_flat_grad", "prev_loss", "ro", "al",
)  # fmt: skip
