"""Helpers that tests in several folders import."""
