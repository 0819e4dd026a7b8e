"""What `archspec emit train` writes, as it stands for specs/digits.arch: real modules, checked as all others are."""
