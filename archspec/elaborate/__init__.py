"""From syntax tree to graph."""
