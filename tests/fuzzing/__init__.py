"""Random specs written beside the PyTorch modules that they should be, and what the two are compared by.

Nothing here asks the package how large anything is: sizes, parameters and MACs come from running torch.
"""
