"""The features, one file per group, each with a tuple ``FEATURES``. Found by ``market.features.catalogue``.

What does not belong here: operators, kernels, labels.
"""
