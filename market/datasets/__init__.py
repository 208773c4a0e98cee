"""One file per table: its contract, and the pure function that builds it."""
