"""Signing keys on disk: of an issuer of licenses, or of an operator; mode 0600, and never on a node."""

import os
from pathlib import Path

from node.new_file import write_new_file
from node.secret_file import read_secret
from node.store_error import StoreError, os_sentence
from protocol.error import InvalidRequest
from protocol.security.signing_key import SigningKey


def read_signing_key(path: Path) -> SigningKey:
    """Read a signing key's file.

    Raises:
        InvalidRequest: one sentence: there is none, unreadable, open to other users, or damaged.
    """
    try:
        raw = read_secret(path)
    except StoreError as wrong:
        raise InvalidRequest(str(wrong)) from None
    if raw is None:
        raise InvalidRequest(f"{path} cannot be read: there is no such file")
    try:
        return SigningKey.parse_file(raw.decode())
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} is no signing key file: it is not text") from None
    except InvalidRequest as wrong:
        raise InvalidRequest(f"{path}: {wrong}") from None


def write_signing_key(path: Path) -> SigningKey:
    """Make a key and write it to a new file of mode 0600.

    Raises:
        InvalidRequest: the file exists, or cannot be written; none is left then.
    """
    key = SigningKey.generate(os.urandom)
    try:
        write_new_file(path, key.encode_file(), 0o600)
    except FileExistsError:
        raise InvalidRequest(f"{path} exists: a signing key is never overwritten") from None
    except OSError as wrong:
        raise InvalidRequest(os_sentence(wrong, path, "written")) from None
    return key
