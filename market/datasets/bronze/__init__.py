"""As delivered: rows as a source sent them, and the functions that turn them into silver."""
