"""What `archspec emit train` writes for specs/digits.arch: real modules, checked as all others are."""
