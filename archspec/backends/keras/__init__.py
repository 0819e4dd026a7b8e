"""Writes Keras 3 models: a Sequential where the layers form a plain chain, a functional model of block functions elsewhere."""
