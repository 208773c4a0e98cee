"""The only SQL of the API: one file per subject, values always as `?`, names always from a contract."""
