"""A new cluster's key file, made without an agent."""

import os
import time
from pathlib import Path

from protocol.security.key_file import encode_key_file
from protocol.security.keyring import Keyring


def write_key_file(file: Path) -> None:
    """Write a fresh cluster id and key to a new file of mode 0600.

    Raises:
        OSError: the file exists or cannot be written; no half-written file is left.
    """
    content = encode_key_file(Keyring.generate(time.time_ns() // 1_000_000, os.urandom))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        file.unlink(missing_ok=True)
        raise
