"""The lines of the Korean rulebook, as data. What does not belong here: applying them (`market.rulebook`)."""
