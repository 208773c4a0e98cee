"""One file per subject, found by the app; each has a `router`, and none knows another."""
