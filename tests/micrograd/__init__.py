"""micrograd's Value, compiled and in plain Python."""
