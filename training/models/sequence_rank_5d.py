"""Where a security's return over the next five sessions will rank among its exchange's, from twenty sessions of the daily features."""

from training.lstm import Lstm
from training.model import Model

MODEL = Model(
    name="sequence_rank_5d",
    service="price_model",
    features=(
        "return_1d",
        "momentum_20",
        "rsi_14",
        "volatility_20",
        "range_position_20",
        "volume_ratio_5_20",
    ),
    label="forward_return_5d",
    horizon=5,
    algorithm=Lstm(),
    parameters={"window": 20, "hidden": 16, "n_epochs": 6},
    combinations=None,  # a fit takes a minute, not a second
    doc=(
        "Percentile, within the session and exchange, of the return from this close to the close five sessions later, predicted"
        " by an LSTM that reads the last twenty sessions of the daily price and volume features. A score orders the names of one"
        " session and exchange; its level, and a comparison across sessions, mean nothing."
    ),
)
