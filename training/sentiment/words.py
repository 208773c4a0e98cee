"""What each word of a headline brought to what a model said of it: what its level would lose without the word.

What does not belong here: scoring (training.sentiment.scoring), numbers of other models (training.scoring).
"""

from training.sentiment.labels import normalised
from training.sentiment.scoring import LEVEL, Scorer

MOST = 60
"""Words that are left out in turn, the first ones: a headline has twenty."""


def brought(scorer: Scorer, text: str) -> dict[str, float]:
    """Level with everything less the level without the word, for each different word, the largest first by size.

    A word is what stands between white space, and is left out wherever it stands.  The parts do not add up to the level: two words
    that say the same are each worth little without the other.  A text of one word is that word's.

    Source
    ------
    J. Li, W. Monroe, D. Jurafsky, Understanding Neural Networks through Representation Erasure (2016).
    """
    words = normalised(text).split()
    different = list(dict.fromkeys(words))[:MOST]
    if len(words) < 2:
        return {word: float(scorer.score([word])[LEVEL].iloc[0]) for word in different}
    without = [" ".join(one for one in words if one != word) for word in different]
    whole, *rest = scorer.score([" ".join(words), *without])[LEVEL].fillna(0.0)  # of nothing there is nothing to say
    found = {word: float(whole - level) for word, level in zip(different, rest, strict=True)}
    return dict(sorted(found.items(), key=lambda pair: -abs(pair[1])))
