"""Names and notations of other tools: what they are called here, and whole lines rewritten. Loaded for messages and documents only."""
