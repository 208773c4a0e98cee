"""The gate: Great Expectations suites derived from the contracts, the quarantine they imply, and cross-table reconciliation.

What does not belong here: storage (what is judged and what comes out are Arrow tables) and the orchestrator. Importing the
package is cheap: Great Expectations is loaded by `expectations.engine` when the first frame is judged.
"""
