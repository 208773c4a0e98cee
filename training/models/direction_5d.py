"""Whether a security will be higher in five sessions, from the daily features: a probability."""

from training.model import Combinations, Model, Stopping

MODEL = Model(
    name="direction_5d",
    service="price_model",
    features=(
        "return_1d",
        "return_5d",
        "momentum_20",
        "momentum_60",
        "rsi_14",
        "macd_hist",
        "volatility_20",
        "bollinger_pct_b",
        "range_position_20",
        "volume_ratio_5_20",
    ),
    label="forward_return_5d",
    horizon=5,
    target="up",
    parameters={"objective": "binary:logistic", "n_rounds": 120, "learning_rate": 0.1, "max_depth": 3},
    stopping=Stopping(part=0.2, patience=10),
    combinations=Combinations(n_blocks=4, n_test=2),
    doc=(
        "Probability that the close five sessions later is above this one, by gradient-boosted trees from the daily price and"
        " volume features. What the market as a whole will do is most of it, and in no feature: the order of the names of one"
        " session is worth more than the level."
    ),
)
