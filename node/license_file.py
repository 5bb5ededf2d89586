"""A license file on disk, and how a license is told to people; without what a running node needs."""

from collections.abc import Collection
from pathlib import Path

from node.store_error import os_sentence
from protocol.error import InvalidRequest
from protocol.security.license import LICENSE_SIZE_MAX, License, open_license
from protocol.security.utc_time import format_utc


def read_license_file(path: Path, trusted: Collection[bytes]) -> License:
    """Read a license file.

    Raises:
        InvalidRequest: one sentence that names the file.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LICENSE_SIZE_MAX + 1)
    except OSError as wrong:
        raise InvalidRequest(f"the license cannot be used: {os_sentence(wrong, path, 'read')}") from None
    try:
        return open_license(raw.decode(), trusted)
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} is no license: it is not text") from None
    except InvalidRequest as wrong:
        raise InvalidRequest(f"the license in {path} cannot be used: {wrong}") from None


def describe_expiry(license: License) -> str:
    """Say until when it is good: "expires 2027-01-01T00:00:00Z", or "never expires"."""
    return "never expires" if license.expires_at_ms is None else f"expires {format_utc(license.expires_at_ms)}"
