"""What options of several benchmarks have in common."""

import argparse

DAY_S = 86_400.0


def read_seconds(text: str, *, most: float = DAY_S) -> float:
    """Read a duration above 0.

    Raises:
        argparse.ArgumentTypeError: out of bounds.
        ValueError: no number.
    """
    value = float(text)
    if not 0 < value <= most:
        raise argparse.ArgumentTypeError(f"{text}: more than 0 s, at most {most:,.0f}")
    return value
