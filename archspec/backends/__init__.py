"""A network compiled to something that runs, or back to a spec."""
