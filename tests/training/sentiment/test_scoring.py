"""Many texts: each once, whatever is around it, the same in int8, broken off and taken up, and in Arrow batches."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import Permanent
from training.sentiment import partitions
from training.sentiment.batching import batches
from training.sentiment.partitions import SCORES, ScorePartitions
from training.sentiment.scoring import TOLERANCE, Scorer, equal_labels, labels_of

BOTH = pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
ROWS = pa.schema({"url": pa.string(), "title": pa.string()})
WHOLE = st.lists(st.integers(1, 60), max_size=80)


@pytest.fixture(scope="module")
def texts(parts):
    return parts.test["text"].tolist()


@given(lengths=WHOLE, budget=st.integers(1, 200))
def test_every_text_is_in_one_batch_of_one_length_within_the_budget(lengths, budget):
    found = list(batches(lengths, budget))
    assert sorted(np.concatenate([*found, np.empty(0, dtype=int)]).tolist()) == list(range(len(lengths)))
    for rows in found:
        sizes = {lengths[row] for row in rows}
        assert len(sizes) == 1 and (len(rows) == 1 or len(rows) * sizes.pop() <= budget)


@BOTH
def test_the_texts_around_it_do_not_change_a_text(encoder, texts, int8):
    together = Scorer(encoder, int8=int8).score(texts)
    alone = pd.concat([Scorer(encoder, int8=int8).score([text]) for text in texts[::6]], ignore_index=True)
    reversed_ = Scorer(encoder, int8=int8, tokens_per_batch=100).score(texts[::-1]).iloc[::-1]
    for other, same in ((alone, together.iloc[::6]), (reversed_, together)):
        assert np.abs(other.to_numpy() - same.to_numpy()).max() <= TOLERANCE
        assert (labels_of(other).to_numpy() == labels_of(same).to_numpy()).all()


@BOTH
def test_the_same_call_gives_the_same_bits(encoder, texts, int8):
    first, second = (Scorer(encoder, int8=int8).score(texts) for _ in range(2))
    assert first.equals(second)


def test_labels_in_int8_are_those_in_float32(encoder, texts, headlines):
    assert equal_labels(encoder, texts) == 1.0
    assert equal_labels(encoder, headlines) >= 0.99


def test_the_library_s_own_int8_would_depend_on_the_batch(encoder, texts):
    """Why the scales are per token: if this fails, the library does it and our layer can go."""
    import torch

    theirs = torch.ao.quantization.quantize_dynamic(encoder.network, {torch.nn.Linear}, dtype=torch.qint8)
    scorer = encoder.with_settings(network=theirs)
    together, alone = Scorer(scorer).score(texts), pd.concat([Scorer(scorer).score([text]) for text in texts[:20]])
    assert np.abs(together.iloc[:20].to_numpy() - alone.to_numpy()).max() > TOLERANCE


def test_each_different_text_goes_through_the_network_once(encoder, texts, monkeypatch):
    read = []
    monkeypatch.setattr(type(encoder), "outputs", counting(read, type(encoder).outputs))
    scorer = Scorer(encoder)
    scores = scorer.score([*texts, *texts, f" {texts[0]}  "])
    scorer.score(texts[:5])
    assert len(read) == scorer.n_read == len(set(texts))
    assert scores.iloc[0].equals(scores.iloc[len(texts)]) and scores.iloc[0].equals(scores.iloc[-1])


def counting(read, outputs):
    def counted(self, numbers):
        read.extend(map(tuple, numbers))
        return outputs(self, numbers)

    return counted


def test_what_is_remembered_has_an_end(encoder, texts):
    scorer = Scorer(encoder, remembered=10)
    first = scorer.score(texts[:8])
    scorer.score(texts[8:16])
    assert scorer.score(texts[:8]).equals(first) and scorer.n_read == 24


def test_an_empty_text_says_nothing(encoder, texts):
    scorer = Scorer(encoder)
    scores = scorer.score([None, "", " \n\u3000", texts[0]])
    assert scores.iloc[:3].isna().all(axis=None) and scores.iloc[3].notna().all() and scorer.n_read == 1
    assert labels_of(scores).isna().tolist() == [True, True, True, False]
    assert scorer.score([]).columns.tolist() == list(SCORES)


def test_the_level_is_positive_less_negative_of_probabilities_that_sum_to_one(encoder, texts):
    scores = Scorer(encoder).score(texts)
    np.testing.assert_allclose(scores[["negative", "neutral", "positive"]].sum(axis=1), 1.0)
    np.testing.assert_allclose(scores["level"], scores["positive"] - scores["negative"])


def test_probabilities_are_divided_by_the_temperature_that_was_fitted(encoder, texts):
    mild = Scorer(encoder.with_settings(temperature=5.0)).score(texts)
    assert mild.max(axis=1).mean() < Scorer(encoder).score(texts).max(axis=1).mean()


def test_what_is_done_is_not_scored_again(encoder, texts):
    days = [("2024-01-02", texts[:5]), ("2024-01-03", texts[5:9]), ("2024-01-04", [])]
    scorer = Scorer(encoder)
    told = dict(scorer.score_chunks(days, done={"2024-01-02"}))
    assert list(told) == ["2024-01-03", "2024-01-04"] and scorer.n_read == 4
    whole = dict(Scorer(encoder).score_chunks(days))
    assert np.abs(whole["2024-01-03"].to_numpy() - told["2024-01-03"].to_numpy()).max() <= TOLERANCE


def test_a_chunk_is_told_before_the_next_is_asked_for(encoder, texts):
    def broken_off():
        yield 1, texts[:3]
        raise ConnectionError

    told = Scorer(encoder).score_chunks(broken_off())
    assert next(told)[0] == 1
    with pytest.raises(ConnectionError):
        next(told)


def arrow(texts):
    return pa.RecordBatch.from_pydict({"url": [f"u{i}" for i in range(len(texts))], "title": texts}, schema=ROWS)


def test_arrow_batches_come_out_with_their_scores(fitted, encoder, texts):
    kernel = ScorePartitions(fitted.files, "title")
    first, second = kernel(iter([arrow([*texts[:4], None]), arrow(texts[4:6])]))
    assert first.schema == kernel.schema(ROWS) and first.column("url").to_pylist()[-1] == "u4"
    assert first.column("level").null_count == 1
    expected = Scorer(encoder).score(texts[:6])["level"].to_numpy()
    found = [*first.column("level").to_pylist()[:4], *second.column("level").to_pylist()]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_a_worker_loads_a_model_once_and_after_it_is_pickled(fitted, texts, monkeypatch):
    import pickle

    loads = []
    monkeypatch.setattr(partitions, "_LOADED", {})
    monkeypatch.setattr(partitions, "Scorer", lambda *a, **k: loads.append(a) or Scorer(*a, **k))
    for _ in range(3):
        kernel = pickle.loads(pickle.dumps(ScorePartitions(fitted.files, "title", int8=True)))
        list(kernel(iter([arrow(texts[:2])] * 2)))
    assert len(loads) == 1


@pytest.mark.parametrize("column", ["nothing", "url_", "level"])
def test_a_batch_without_the_column_is_refused(fitted, column):
    batch = pa.RecordBatch.from_pydict({"url": ["u"], "level": ["x"]})
    with pytest.raises(Permanent, match="scoring a partition"):
        next(ScorePartitions(fitted.files, column)(iter([batch])))


@pytest.mark.slow
def test_spark_scores_like_this_process(fitted, encoder, texts, tmp_path):
    from lake import spark
    from lake.settings import Settings

    rows = pd.DataFrame({"url": [f"u{i}" for i in range(len(texts))], "title": texts})
    session = spark.Spark(Settings(lake_url=str(tmp_path), spark_master="local[2]"), None).session
    spread = session.createDataFrame(rows).repartition(3)
    columns = ", ".join(["url string", "title string", *(f"{name} double" for name in SCORES)])
    found = spread.mapInArrow(ScorePartitions(fitted.files, "title"), columns).toPandas().set_index("url")
    expected = Scorer(encoder).score(texts).set_index(rows["url"])
    assert np.abs(found.loc[expected.index, list(SCORES)].to_numpy() - expected.to_numpy()).max() <= TOLERANCE
