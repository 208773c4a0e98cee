"""Parameters of an algorithm: their types, defaults and ranges as data, and what was given made complete or refused.

What does not belong here: which parameters there are (each algorithm's file says).
"""

from collections.abc import Mapping, Sequence

from market.errors import Permanent
from training.algorithm import Parameter

Range = tuple[type, Parameter, float, float]
"""Type, default, least and greatest value of a number."""


def completed(
    library: str,
    ranges: Mapping[str, Range],
    choices: Mapping[str, Sequence[str]],
    given: Mapping[str, Parameter],
) -> dict[str, Parameter]:
    """All parameters, defaults filled in, each of its type.

    Parameters
    ----------
    library : whose parameters they are, for the message.
    ranges : of the numbers, by name.
    choices : the values that a word may take, by name; the first is the default.

    Raises
    ------
    Permanent
        An unknown name, a wrong type, or a value out of its range; every one of them is named.
    """
    known = choices.keys() | ranges.keys()
    wrong = [f"{name} is unknown" for name in sorted(given.keys() - known)]
    result: dict[str, Parameter] = {}
    for name, allowed in choices.items():
        result[name] = given.get(name, allowed[0])
        if result[name] not in allowed:
            wrong.append(f"{name} {result[name]!r} is none of {', '.join(allowed)}")
    for name, (kind, default, least, greatest) in ranges.items():
        value = given.get(name, default)
        result[name] = kind(value) if _is_number(value, kind) else value
        if not _is_number(value, kind) or not least <= float(value) <= greatest:
            wrong.append(f"{name} {value!r} is no {kind.__name__} in [{least:g}, {greatest:g}]")
    if wrong:
        raise Permanent(
            "model parameters",
            expected=f"those of {library} among {', '.join(sorted(known))}",
            found="; ".join(wrong),
        )
    return result


def _is_number(value: Parameter, kind: type) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return kind is float or float(value).is_integer()
