"""A small world with a known signal, and none where its strength is 0. What does not belong here: models, assertions."""

import numpy as np
import pandas as pd

N_SECURITIES, N_SESSIONS, HORIZON = 60, 300, 5
PERSISTENCE = 0.9  # of the signal, a session


def planted(
    seed: int, strength: float = 0.25, n_sessions: int = N_SESSIONS, n_securities: int = N_SECURITIES
) -> pd.DataFrame:
    """Rows of a slowly moving ``signal`` that drives the next sessions' returns, and of two noises that do not.

    Parameters
    ----------
    strength : of the signal's part in a session's return, in units of what is noise there.

    Returns
    -------
    (n_sessions x n_securities) rows: security_id, session_date, signal, noise_a, noise_b, forward_return_5d.
    """
    rng = np.random.default_rng(seed)
    shape = (n_sessions, n_securities)
    signal = rng.standard_normal(shape)
    for t in range(1, n_sessions):
        signal[t] = PERSISTENCE * signal[t - 1] + np.sqrt(1 - PERSISTENCE**2) * signal[t]
    moves = 0.02 * rng.standard_normal(shape)
    moves[1:] += 0.02 * strength * signal[:-1]
    log_close = moves.cumsum(axis=0)
    label = np.full(shape, np.nan)
    label[:-HORIZON] = np.expm1(log_close[HORIZON:] - log_close[:-HORIZON])
    return pd.DataFrame(
        {
            "security_id": np.tile([f"XKRX:{i:06d}" for i in range(n_securities)], n_sessions),
            "session_date": np.repeat(pd.bdate_range("2023-01-02", periods=n_sessions), n_securities),
            "signal": signal.ravel(),
            "noise_a": rng.standard_normal(signal.size),
            "noise_b": np.where(rng.random(signal.size) < 0.1, np.nan, rng.standard_normal(signal.size)),
            "forward_return_5d": label.ravel(),
        }
    )
