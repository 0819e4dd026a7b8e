"""Colours as the eye sees them."""

from __future__ import annotations


def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb`, from 0 to 1. Source: WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, ground: str) -> float:
    """How far two colours differ, from 1 to 21. Source: WCAG 2.2."""
    dark, light = sorted((luminance(colour), luminance(ground)))
    return (light + 0.05) / (dark + 0.05)
