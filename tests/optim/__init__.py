"""Optimisers, schedulers, clipping, state dicts."""
