"""Stored tensors: their initial values, reading them from files, matching them to layers, loading them."""
