"""Stored tensors: what they begin with, reading them from files, matching them to layers, loading them."""
