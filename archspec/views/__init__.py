"""A network shown to somebody: tables, figures, pages, comparisons."""
