"""The feature algebra: expressions that only look back, their text form, their kernels, and the catalogue built from them.

What does not belong here: labels (they look ahead), reading or writing tables, anything about Spark, Feast or releases.
"""
