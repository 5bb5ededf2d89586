"""Results as a campaign writes them: one JSON object a line."""

from pathlib import Path

import msgspec

from protocol.error import InvalidRequest
from simulations.result import Result


def read_results(path: Path) -> list[Result]:
    """Read the results in a file, in its order; empty lines are passed over.

    Raises InvalidRequest where the file cannot be read, and with the line's number where a line is no result.
    """
    decoder = msgspec.json.Decoder(Result)
    results: list[Result] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    results.append(_decode(decoder, line, f"line {number} of {path}"))
    except OSError as error:
        raise InvalidRequest(f"cannot read {path}: {error.strerror or error}") from error
    return results


def _decode(decoder: msgspec.json.Decoder[Result], line: bytes, where: str) -> Result:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{where} is not a result: {error}") from error
