"""Whether a Korean headline is good or bad news for the company that it is about."""

from training.sentiment.fine_tuning import Tuning
from training.sentiment.model import SentimentModel
from training.sentiment.pretraining import Reading

MODEL = SentimentModel(
    name="headline_sentiment",
    reading=Reading(steps=400),
    own_tuning=Tuning(
        epochs=12, rate=5e-4, patience=3
    ),  # a BERT of base size, which a setting names, wants a tenth of the rate
    doc=(
        "Probabilities that a Korean financial headline is negative, neutral or positive for the company that it is about, by a BERT"
        " that was taught with labelled sentences; its level is positive less negative. It reads the words of one headline alone."
    ),
)
