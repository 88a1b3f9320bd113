"""Optimizers, schedulers, clipping, state dicts."""
