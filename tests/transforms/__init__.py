"""`grad` and the other transforms, checkpoints, and what may not leave them."""
