"""Text to syntax tree, and text to well-formatted text."""
