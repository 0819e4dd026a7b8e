"""A spec elaborated on numbers that are left open: formulas, and the conditions under which they hold."""
