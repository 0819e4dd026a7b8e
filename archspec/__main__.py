"""`python -m archspec`."""

from archspec.cli.main import entry

if __name__ == "__main__":
    entry()
