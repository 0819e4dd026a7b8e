"""The tests. They import each other as `tests.NAME`; pytest and `python -m tests.NAME` find that from the root of the checkout."""
