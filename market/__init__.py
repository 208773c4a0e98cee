"""Pure market domain: contracts, calendars, identity, adjustment, features, labels. No I/O, no clock, no randomness."""
