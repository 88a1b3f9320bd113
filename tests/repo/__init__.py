"""The repository itself: layers, packaging, stubs, examples, benchmarks."""
