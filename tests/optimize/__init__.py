"""Tests of `fastgrad.optimize`."""
