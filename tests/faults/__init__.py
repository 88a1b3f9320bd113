"""What must never crash, leak or lie: memory running out, graphs of any depth, nonsense input, exceptions, threads."""
