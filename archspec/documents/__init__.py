"""Specs in documents: a fence of Markdown or a directive of Sphinx shows its table, its picture or its messages below."""
