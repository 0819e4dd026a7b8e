"""What ends a command with status 2."""


class Failure(Exception):
    """Usage, a file that cannot be read, or the like: one line, exit status 2."""
