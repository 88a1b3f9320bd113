"""Tests of `fastgrad.numpy`."""
