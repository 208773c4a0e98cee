"""Models that were exported before there were other kinds go on scoring."""

import json

from market.exports import BEFORE, signature_of


def test_an_old_signature_is_of_trees_that_look_at_one_session():
    assert signature_of(json.dumps({"model": "m", "version": 1})) == {"model": "m", "version": 1, **BEFORE}


def test_what_a_signature_says_is_kept():
    told = {"flavour": "lstm", "file": "network.safetensors", "window_sessions": 20, "reach_days": 54}
    assert signature_of(json.dumps(told).encode()) == told
