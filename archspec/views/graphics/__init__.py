"""What pictures are made of: SVG, the width of words, and what SVG is converted to (PNG, PDF, TikZ). It knows no network."""
