"""Benchmarks: what is measured, on which machine, with which versions; results under bench/results/."""
