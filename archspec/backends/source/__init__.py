"""What backends that write source text share: classes and their parameters, bodies, variables; a Dialect is what differs."""
