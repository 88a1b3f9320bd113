"""Graph descriptions, their layout, and the pictures drawn from them."""
