"""A new cluster's key file, made without an agent."""

import os
import time
from pathlib import Path

from node.new_file import write_new_file
from protocol.security.key_file import encode_key_file
from protocol.security.keyring import Keyring


def write_key_file(file: Path) -> None:
    """Write a fresh cluster id and key to a new file of mode 0600.

    Raises:
        OSError: the file exists or cannot be written; no half-written file is left.
    """
    write_new_file(file, encode_key_file(Keyring.generate(time.time_ns() // 1_000_000, os.urandom)), 0o600)
