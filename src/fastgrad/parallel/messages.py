"""Errors of data-parallel training and their messages: what happened on which rank, what to do."""

from fastgrad.errors import BadSetting, CompileError, DTypeError, ParallelError, ShapeError, StateError


def no_mpi4py(n, error):
    """mpiexec has started several ranks, and mpi4py is missing or does not find an MPI library."""
    return ImportError(
        f"this process is one of {n} ranks, but mpi4py cannot be imported ({error}): pip install fastgrad[mpi], or "
        "start the script without mpiexec"
    )


def other_mpi(n, library):
    """mpi4py was built for another MPI than the one of mpiexec: every rank believes that it is alone."""
    return ParallelError(
        f"mpiexec has started {n} ranks, but mpi4py, which uses {library}, sees only one: use the mpiexec of that "
        "library"
    )


def no_communicator(got):
    """`comm` is something else."""
    return DTypeError(f"comm must be a communicator of mpi4py, or what fastgrad.parallel.ranks() returns, got {got}")


def not_an_optimizer(got):
    """`distributed` was given something else."""
    return DTypeError(f"distributed takes an optimizer, such as fg.optim.Adam(model.parameters()), got {got}")


def already_distributed():
    """An optimizer, or one of its parameters, is averaged already."""
    return BadSetting("distributed: the gradients of these parameters are averaged already: wrap the optimizer once")


def bad_number(name, got, wanted):
    """A setting is out of its range."""
    return BadSetting(f"distributed: {name} must be {wanted}, got {got!r}")


def different(rank, what, theirs, mine):
    """A rank was started with something else than rank 0."""
    return ParallelError(
        f"the ranks differ: {what} is {theirs} on rank {rank}, but {mine} on rank 0. All ranks must build the same "
        "model and optimizer"
    )


def unequal(what, step):
    """The parameters of the ranks have drifted apart."""
    return ParallelError(
        f"after step {step}, {what} is no longer equal to the bit on all ranks: something other than the optimizer has "
        "written to it, or the gradients of one rank were not averaged"
    )


def rank_failed(rank, size, text):
    """Another rank has raised an exception."""
    return ParallelError(f"rank {rank} of {size} has failed:\n\n{text}")


def rank_ended(rank, what):
    """Another rank has reached its end, and will not take part any more."""
    return ParallelError(
        f"rank {rank} has ended, while this rank waits for {what}: all ranks must take the same number of steps. "
        "Batches of fg.data.batches(..., ranks=ranks) do"
    )


def timed_out(seconds, what):
    """Another rank does not come."""
    return ParallelError(
        f"waited {seconds:g} s for {what}: another rank takes other steps, or longer. If it may take longer, set "
        "ranks.timeout"
    )


def interrupted_pass():
    """A backward pass has failed in between, and the ranks no longer know what was averaged."""
    return ParallelError(
        "an earlier backward() has failed on this rank while gradients were being averaged: load the last checkpoint "
        "and start again"
    )


def mixed_accumulation():
    """`local()` in a compiled function and outside of it, for one step."""
    return CompileError(
        "gradients that a compiled function has accumulated under local() and others were added to one another: "
        "accumulate all of them inside of the function, or all of them outside"
    )


def share_changed():
    """The batches of one step have different shares, and a program has accumulated their gradients."""
    return CompileError(
        "a compiled function accumulates gradients under local() over batches of which this rank has different shares: "
        "use drop_last=True, or do not compile the accumulation"
    )


def bad_checkpoint(every):
    """The number of steps between checkpoints is wrong."""
    return BadSetting(f"Checkpoint: every must be a whole number of steps, at least 1, got {every!r}")


def no_state(name, got):
    """A part of a checkpoint has no state."""
    return DTypeError(f"Checkpoint: {name} is of type {got}, without state_dict() and load_state_dict()")


def not_in_checkpoint(path, name, there):
    """A checkpoint was written by another program."""
    return StateError(f"{path}: there is no {name!r} in this checkpoint, but {', '.join(there) or 'nothing'}")


def one_value():
    """A synchronized batch norm has nothing to compute a variance from."""
    return ShapeError("batch_norm: one value per channel on all ranks together: training needs two")
