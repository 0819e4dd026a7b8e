"""What can be computed of a network without running it: plain walks over graphs that name no op."""
