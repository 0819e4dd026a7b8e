"""Language services: what an editor shows about a text and a place in it, as plain data, without a transport.

The language server, `archspec check --fix` and other ways to show a spec while it is written use the same functions.
"""
