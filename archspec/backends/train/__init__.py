"""Training: a network as a folder of plain PyTorch that trains it."""
