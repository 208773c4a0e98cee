"""Feast entities, views and services, derived from gold contracts. No transformation belongs here."""
