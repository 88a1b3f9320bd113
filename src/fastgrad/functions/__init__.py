"""The public array functions that are not rules, by family. No gradients are computed here."""
