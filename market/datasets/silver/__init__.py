"""Typed, identified, deduplicated, bitemporal."""
