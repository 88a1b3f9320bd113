"""The test suite. Its folders mirror those of `src/fastgrad`; `support` holds what several of them share."""
