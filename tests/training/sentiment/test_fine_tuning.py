"""Teaching an encoder: it learns what was planted, nothing where nothing is, and the same bytes again."""

import numpy as np
import pandas as pd
import pytest

from market.errors import Permanent
from tests.training.sentiment.conftest import READ, SHORT, TINY
from training.sentiment.encoder import open_encoder
from training.sentiment.fine_tuning import Tuning, fine_tune
from training.sentiment.judging import judge
from training.sentiment.labels import split
from training.sentiment.pretraining import Shape, own_encoder

pytestmark = pytest.mark.usefixtures("needs_deep")


def test_the_small_encoder_learns_the_tones_of_the_synthetic_world(taught, parts):
    verdict = judge(parts, taught, (1, 2), {})
    assert verdict.macro_f1.value > 0.95 and min(verdict.by_seed.values()) > 0.9


def test_of_labels_dealt_anew_it_learns_nothing_that_holds(taught, planted):
    dealt = planted.assign(label=np.random.default_rng(8).permutation(planted["label"].to_numpy()))
    verdict = judge(split(dealt.astype("string"), seed=0, test=0.4), taught, (1, 2), {})
    assert verdict.macro_f1.low < 1 / 3 and verdict.macro_f1.value < 0.45


def test_the_same_rows_and_seed_give_the_same_bytes(taught, parts, fitted):
    again, other = (taught(parts.train, parts.validation, seed) for seed in (1, 2))
    assert again.files == fitted.files and again.losses == fitted.losses
    assert other.digest != fitted.digest


def test_torch_is_afterwards_as_it_was(taught, parts):
    import torch

    torch.manual_seed(5)
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state().tolist()
    taught(parts.train, parts.validation, 1)
    after = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state().tolist()
    assert before == after


def test_each_step_is_told_with_its_loss(taught, parts):
    told = []
    fitted = taught(parts.train, parts.validation, 1, on_step=lambda *step: told.append(step))
    per_round = -(-len(parts.train) // SHORT.batch)
    assert [loss for _, _, loss in told] == list(fitted.losses)
    assert [done for done, _, _ in told] == list(range(1, per_round * len(fitted.rounds) + 1))
    assert {total for _, total, _ in told} == {per_round * SHORT.epochs}


def test_it_ends_when_nothing_gets_better_and_keeps_the_best_round(fitted, parts):
    from training.sentiment.agreement import macro_f1
    from training.sentiment.batching import logits
    from training.sentiment.labels import codes

    assert len(fitted.rounds) - 1 - fitted.rounds.index(max(fitted.rounds)) <= SHORT.patience
    encoder = open_encoder(fitted.files)
    said = logits(encoder, encoder.tokens(parts.validation["text"].tolist())).argmax(axis=1)
    assert macro_f1(codes(parts.validation["label"]), said) == max(fitted.rounds)


def test_a_rare_class_is_learned_too(taught, parts):
    positive = parts.train["label"] == "positive"
    rare = pd.concat([parts.train[~positive], parts.train[positive].iloc[:6]], ignore_index=True)
    assert max(taught(rare, parts.validation, 1).rounds) > 0.8


def test_rows_of_one_class_only_are_refused(pretrained, parts):
    one = parts.train[parts.train["label"] == "neutral"]
    with pytest.raises(Permanent, match="none of negative, positive"):
        fine_tune(pretrained.files, one, parts.validation, 1, SHORT)
    with pytest.raises(Permanent, match="validation rows"):
        fine_tune(pretrained.files, parts.train, one, 1, SHORT)


@pytest.mark.parametrize("changed", [{"epochs": 0}, {"rate": 0.0}, {"warm_up": 1.0}, {"max_tokens": 2}, {"threads": 0}])
def test_a_tuning_that_is_none_is_refused(changed):
    with pytest.raises(Permanent, match="fine-tuning"):
        Tuning(**changed)


def test_reading_lowers_the_surprise_and_gives_the_same_bytes_again(headlines, pretrained):
    again = own_encoder(headlines, seed=1, shape=TINY, reading=READ)
    assert np.mean(pretrained.losses[-5:]) < pretrained.losses[0] - 0.3
    assert again.files == pretrained.files


def test_too_little_to_read_is_refused():
    with pytest.raises(Permanent, match="at least 100 different texts; was 1"):
        own_encoder(["같은 제목"] * 500 + [""], seed=1)


def test_a_shape_that_is_none_is_refused():
    with pytest.raises(Permanent, match="a width the heads divide"):
        Shape(hidden=100, heads=3)


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_the_extra_it_is_said_how_to_add_it(monkeypatch, parts, missing):
    from training.sentiment import deep

    monkeypatch.setattr(deep, "PACKAGES", ("tokenizers", f"no_{missing}"))
    with pytest.raises(Permanent, match=rf"no no_{missing}\. Add them with `make \.venv/bin/\.deep`"):
        fine_tune("anything", parts.train, parts.validation, 1)
