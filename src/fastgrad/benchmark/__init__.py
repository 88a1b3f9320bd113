"""The harness of `python -m bench`, `python -m fastgrad bench` and the demo. `import fastgrad` does not read it."""
