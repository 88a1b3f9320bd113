"""What optimisers say of what they cannot take: what came, what was wanted, what to do."""

from fastgrad.errors import AnomalyError, BadSetting, DTypeError, ShapeError, StateError


def not_parameters(optimizer, got):
    """An optimiser was not given leaves, or groups of them."""
    return DTypeError(
        f'{optimizer} takes an iterable of Tensors, as model.parameters(), or of dicts with "params"; got {got}'
    )


def no_parameters(optimizer):
    """An optimiser, or one of its groups, without parameters; a generator that was used up before, perhaps."""
    return ShapeError(f"{optimizer}: no parameters; was the generator of model.parameters() used up before?")


def unknown_setting(optimizer, key, known):
    """A group of parameters has a setting that the optimiser does not know."""
    return BadSetting(f"{optimizer} has no setting {key!r}: it has {', '.join(known)}")


def group_changed(optimizer):
    """The list of parameters of a group was made longer or shorter by hand."""
    return BadSetting(f"{optimizer}: a group has other parameters than it was made with: use add_param_group")


def optimized_result(optimizer, k, op):
    """A recorded result was given to an optimiser."""
    return DTypeError(f"{optimizer}: parameter {k} is the result of {op!r}: only leaves can be changed in place")


def optimized_dtype(optimizer, k, dtype):
    """An optimiser was given a tensor of integers or complex numbers."""
    return DTypeError(f"{optimizer}: parameter {k} is of dtype {dtype.name}: parameters are float32 or float64")


def optimized_twice(optimizer, k):
    """A tensor is in two groups, or twice in one."""
    return BadSetting(f"{optimizer}: parameter {k} is there already, in this group or another: pass each once")


def bad_setting(what, key, value, low, below):
    """A setting out of its range, or NaN."""
    bounds = f"at least {low} and finite" if below == float("inf") else f"at least {low} and less than {below}"
    return BadSetting(f"{what}: {key}={value!r} is refused: it must be {bounds}")


def used_up(what):
    """A generator that yields no parameters, perhaps because it was walked before."""
    return f"{what}: the generator yields no parameters, nothing is clipped; was model.parameters() used up before?"


def bad_norm_type(norm_type):
    """`clip_grad_norm_` with a norm that is none."""
    return BadSetting(f'clip_grad_norm_: norm_type={norm_type!r} is no number: it is 2, another p, 0, "inf" or "-inf"')


def bad_count(optimizer, key, value):
    """A number of iterations or evaluations that is none."""
    return BadSetting(f"{optimizer}: {key}={value!r} is refused: it must be a whole number of at least 1")


def no_line_search(name):
    """A line search that there is not."""
    return BadSetting(f'LBFGS: line_search_fn={name!r} is not one of None, "strong_wolfe"')


def bad_nesterov(momentum, dampening):
    """Nesterov's momentum without momentum, or with dampening."""
    return BadSetting(
        f"SGD: nesterov=True needs momentum above 0 and dampening 0, got momentum={momentum}, dampening={dampening}"
    )


def no_closure(optimizer):
    """`step()` of an optimiser that evaluates the loss itself."""
    return BadSetting(
        f"{optimizer}.step needs a closure that clears the gradients, calls backward() and returns the loss"
    )


def no_optimizer(scheduler, got):
    """A scheduler was given something else than an optimiser."""
    return DTypeError(f"{scheduler} takes an Optimizer, got {got}")


def not_whole(scheduler, name, value):
    """A number of steps that is none."""
    return BadSetting(f"{scheduler}: {name}={value!r} is not at least 1 and whole: it is a number of steps")


def not_finite(scheduler, name, value):
    """A setting of a scheduler that is no number, or NaN or infinite."""
    return BadSetting(f"{scheduler}: {name}={value!r} is not a finite number")


def bad_factor(name, value):
    """A factor of LinearLR beyond its range."""
    return BadSetting(f"LinearLR: {name}={value} does not lie between 0 and 1")


def zero_factor():
    """A warmup from a rate of 0: each rate is made of the one before."""
    return BadSetting("LinearLR: start_factor=0 is refused, no factor leads from a rate of 0 to another: start above 0")


def no_schedulers(scheduler):
    """A composition of nothing."""
    return BadSetting(f"{scheduler}: it needs at least one scheduler")


def not_a_scheduler(scheduler, number, got):
    """A composition of something else than schedulers."""
    return DTypeError(f"{scheduler}: number {number} is of type {got}, not a Scheduler")


def another_optimizer(scheduler, number):
    """A composition of schedulers that set the rates of different optimisers."""
    return BadSetting(f"{scheduler}: scheduler {number} is of another optimiser: make all of them with the same one")


def bad_milestones(count, milestones):
    """The steps at which schedulers follow one another do not fit."""
    return BadSetting(
        f"SequentialLR: {count} schedulers need one milestone less than that, whole numbers in ascending order; "
        f"got {milestones}"
    )


def lambda_count(got, wanted):
    """LambdaLR with a list of functions that are not one for each group."""
    return BadSetting(f"LambdaLR: {got} functions for {wanted} groups: pass one for each, or one for all")


def rate_count(scheduler, got, wanted):
    """`get_lr` of a scheduler gave another number of rates than there are groups."""
    return BadSetting(f"{scheduler}: get_lr returned {got} rates for {wanted} groups")


def groups_gone(scheduler, now, before):
    """Groups were taken out of an optimiser by hand."""
    return BadSetting(
        f"{scheduler}: the optimiser has {now} groups, it had {before}: make a new scheduler for those that are left"
    )


def scheduler_state(scheduler, wrong):
    """The state of another scheduler, or a broken one; nothing of it was taken over."""
    return StateError(f"the state does not fit {scheduler}, nothing was loaded. " + "; ".join(wrong))


def no_optimizer_state(optimizer):
    """`load_state_dict` of something that is no optimiser's state."""
    return StateError(
        f'{optimizer}.load_state_dict takes a dict with "state" and "param_groups", as state_dict() gives'
    )


def optimizer_groups(optimizer, got, wanted):
    """The state of an optimiser with other groups."""
    return StateError(f"{optimizer}: the state has groups of {got} parameters, the optimiser of {wanted}")


def optimizer_state(optimizer, wrong):
    """The state of an optimiser of other parameters; nothing of it was taken over."""
    return StateError(f"the state does not fit {optimizer}, nothing was loaded. " + "; ".join(wrong))


def norm_not_finite(norm):
    """`clip_grad_norm_(error_if_nonfinite=True)` met NaN or infinity."""
    return AnomalyError(f"the norm of the gradients is {norm}: fg.detect_anomaly() finds the op that made it")
