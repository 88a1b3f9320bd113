"""Errors of optimizers, schedulers and clipping, and their messages: what was passed, what to do."""

import math

from fastgrad.errors import AnomalyError, BadSetting, DTypeError, ShapeError, StateError


def not_parameters(optimizer, got):
    """An optimizer was not given leaves, or groups of them."""
    return DTypeError(
        f'{optimizer} takes an iterable of Tensors, such as model.parameters(), or of dicts with "params", got {got}'
    )


def clipped_type(what, k, got):
    """`clip_grad_norm_` or `clip_grad_value_` of something that is not a Tensor."""
    return DTypeError(f"{what} takes a Tensor, or an iterable of them, got {got} as parameter {k}")


def no_parameters(optimizer):
    """An optimizer, or a group, has no parameters; perhaps a generator is exhausted."""
    return ShapeError(f"{optimizer}: got no parameters: was the generator of model.parameters() used before?")


def unknown_setting(optimizer, key, known):
    """A group of parameters has a setting that the optimizer does not have."""
    return BadSetting(f"{optimizer} has no setting {key!r}: it has {', '.join(known)}")


def group_changed(optimizer):
    """The list of parameters of a group was modified."""
    return BadSetting(f"{optimizer}: the parameters of a group have changed: use add_param_group")


def optimized_result(optimizer, k, op):
    """An optimizer was given a recorded result."""
    return DTypeError(f"{optimizer}: parameter {k} is the result of {op!r}: only leaves can be optimized")


def optimized_dtype(optimizer, k, dtype):
    """An optimizer was given a tensor of integers or complex numbers."""
    return DTypeError(f"{optimizer}: parameter {k} must be float32 or float64, got {dtype.name}")


def optimized_twice(optimizer, k):
    """A parameter is in two groups, or twice in one."""
    return BadSetting(f"{optimizer}: parameter {k} occurs twice, in this group or another: pass each parameter once")


def invalid(what, name, value, wanted):
    """The setting `name` of an optimizer or scheduler, or an argument, is not what is `wanted`."""
    return BadSetting(f"{what}: {name} must be {wanted}, got {value!r}")


def out_of_range(what, name, value, low, below):
    """A setting is out of its range, or NaN."""
    return invalid(what, name, value, f"at least {low} and {'finite' if below == math.inf else f'less than {below}'}")


def not_a_count(what, name, value):
    """A number of steps, iterations or evaluations is invalid."""
    return invalid(what, name, value, "an int of at least 1")


def used_up(what):
    """A generator of parameters yields nothing, perhaps because it is exhausted."""
    return f"{what}: got no parameters, nothing is clipped: was the generator of model.parameters() used before?"


def no_line_search(name):
    """The line search is unknown."""
    return invalid("LBFGS", "line_search_fn", name, 'None or "strong_wolfe"')


def bad_nesterov(momentum, dampening):
    """Nesterov momentum without momentum, or with dampening."""
    return BadSetting(
        f"SGD: nesterov=True needs momentum above 0 and dampening 0, got momentum={momentum}, dampening={dampening}"
    )


def no_closure(optimizer):
    """`step()` of an optimizer that evaluates the loss itself was called without a closure."""
    return BadSetting(
        f"{optimizer}.step needs a closure that clears the gradients, calls backward() and returns the loss"
    )


def no_optimizer(scheduler, got):
    """A scheduler was given something other than an optimizer."""
    return DTypeError(f"{scheduler} takes an Optimizer, got {got}")


def not_finite(scheduler, name, value):
    """A setting of a scheduler is not a number, NaN or infinite."""
    return invalid(scheduler, name, value, "a finite number")


def zero_factor():
    """LinearLR was to start from a rate of 0; each rate is computed from the previous one."""
    return invalid("LinearLR", "start_factor", 0, "above 0, because a rate of 0 cannot be scaled")


def no_schedulers(scheduler):
    """A composed scheduler has no schedulers."""
    return BadSetting(f"{scheduler}: needs at least one scheduler")


def not_a_scheduler(scheduler, number, got):
    """A composed scheduler was given something other than schedulers."""
    return DTypeError(f"{scheduler}: schedulers[{number}] is of type {got}, not a Scheduler")


def another_optimizer(scheduler, number):
    """The schedulers of a composed scheduler have different optimizers."""
    return BadSetting(f"{scheduler}: schedulers[{number}] has another optimizer: create all with the same one")


def bad_milestones(count, milestones):
    """The milestones of a sequence of schedulers are invalid."""
    return BadSetting(
        f"SequentialLR: {count} schedulers need {count - 1} milestone(s), ints in ascending order, got {milestones}"
    )


def lambda_count(scheduler, got, wanted):
    """A scheduler was given a number of functions that differs from the number of groups."""
    return BadSetting(f"{scheduler}: got {got} functions for {wanted} groups: pass one per group, or one for all")


def rate_count(scheduler, got, wanted):
    """`get_lr` of a scheduler returned a number of rates that differs from the number of groups."""
    return BadSetting(f"{scheduler}: get_lr returned {got} rates for {wanted} groups")


def cycle_over(step, total):
    """OneCycleLR was stepped beyond its end."""
    return BadSetting(f"OneCycleLR: step {step} is after the last one of {total} steps: pass a larger total_steps")


def groups_gone(scheduler, now, before):
    """Groups of an optimizer were removed."""
    return BadSetting(
        f"{scheduler}: the optimizer has {now} groups, but had {before}: create a new scheduler for the remaining ones"
    )


def state_mismatch(what, wrong):
    """A state dict of an optimizer or scheduler does not fit; nothing of it was loaded."""
    return StateError(f"the state does not fit {what}, nothing was loaded. " + "; ".join(wrong))


def no_optimizer_state(optimizer):
    """`load_state_dict` of something other than the state of an optimizer."""
    return StateError(
        f'{optimizer}.load_state_dict takes a dict with "state" and "param_groups", as returned by state_dict()'
    )


def optimizer_groups(optimizer, got, wanted):
    """The groups of a state dict have other numbers of parameters than those of the optimizer."""
    return StateError(f"{optimizer}: the state has groups of {got} parameters, the optimizer of {wanted}")


def norm_not_finite(norm):
    """The norm of gradients is NaN or infinite in `clip_grad_norm_(error_if_nonfinite=True)`."""
    return AnomalyError(f"the norm of the gradients is {norm}: fg.detect_anomaly() finds the op that made it")
