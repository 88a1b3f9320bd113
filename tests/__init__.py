"""The test suite. Its folders mirror those of `src/fastgrad`; `support` holds helpers that several of them share."""
