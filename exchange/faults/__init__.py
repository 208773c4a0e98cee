"""Faults that any world can show, by name: see exchange.faults.catalogue."""
