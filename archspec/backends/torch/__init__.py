"""PyTorch: a source file, and a module that is that file, executed."""
