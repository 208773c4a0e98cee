"""The production stack on one machine: real servers from PyPI and Maven Central, kept running by supervisor.

One file of `marketlake.stack.servers` per server, found by discovery. What does not belong here: the embedded stack.
"""
