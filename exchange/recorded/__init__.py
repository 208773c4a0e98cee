"""Recorded worlds: reading a recording, and making one from published price files."""
