"""The key file: the admission ticket to a cluster, as text that people copy between machines.

    shoal-key-file: 1
    cluster: <26 letters>
    key: <key id, 8 hex letters> <added, unix ms> <64 hex letters>
    primary: <key id> <in use since, unix ms>
    check: <16 hex letters>

One to eight key lines, the key in use first. `check` is BLAKE2b (8 bytes, person "shoal-key-file") over the
lines before it, joined by one newline each, without the blank lines and lines that begin with "#", which
are free. Retired keys are not in it: after a retire, the first sync with a member that a held key still
reaches brings the rest.
"""

from hashlib import blake2b

from protocol.error import InvalidRequest
from protocol.security.keyring import CLUSTER_KEY_SIZE, KEY_COUNT_MAX, STAMP_MAX, Keyring, derive_key_id
from protocol.ulid import ClusterId, format_ulid, parse_ulid

KEY_FILE_SIZE_MAX = 16_384
"""Characters: eight keys take 1,000, the rest is room for remarks."""

_FIRST_LINE = "shoal-key-file: 1"
_REMARK = "# Whoever holds this file can join the cluster and read its traffic: keep it secret."
_CHECK_PERSON = b"shoal-key-file"
_CHECK_SIZE = 8
_STAMP_LENGTH_MAX = 19


def encode_key_file(keyring: Keyring) -> str:
    """Write a cluster's id and held keys as a key file."""
    lines = [_FIRST_LINE, f"cluster: {format_ulid(keyring.cluster_id)}"]
    for held in keyring.listing():
        key = keyring.key_for(held.key_id) or b""
        lines.append(f"key: {held.key_id.hex()} {held.stamp} {key.hex()}")
    lines.append(f"primary: {keyring.primary.hex()} {keyring.primary_stamp}")
    return "\n".join([_REMARK, *lines, f"check: {_check(lines)}", ""])


def parse_key_file(text: str) -> Keyring:
    """Read a key file.

    Raises:
        InvalidRequest: with one sentence that names what is wrong and where.
    """
    if len(text) > KEY_FILE_SIZE_MAX:
        raise InvalidRequest(f"a key file of {len(text)} characters, at most {KEY_FILE_SIZE_MAX}")
    stripped = (" ".join(line.split()) for line in text.splitlines())
    lines = [line for line in stripped if line and not line.startswith("#")]
    if not lines or lines[0] != _FIRST_LINE:
        raise InvalidRequest(f"not a key file: the first line is not {_FIRST_LINE!r}")
    if len(lines) < 2 or lines[-1] != f"check: {_check(lines[:-1])}":
        raise InvalidRequest("the key file is damaged or was edited: its check does not fit its other lines")
    return _read(lines[1:-1])


def _read(lines: list[str]) -> Keyring:
    """Read the lines between the first and the check."""
    cluster_id: ClusterId | None = None
    keys: list[tuple[int, bytes]] = []
    primary: tuple[bytes, int] | None = None
    for line in lines:
        noun, _, value = line.partition(": ")
        if noun == "cluster" and cluster_id is None:
            cluster_id = _read_cluster_id(value)
        elif noun == "key" and len(keys) < KEY_COUNT_MAX:
            keys.append(_read_key(value))
        elif noun == "primary" and primary is None:
            primary = _read_primary(value)
        else:
            raise InvalidRequest(
                f"the key file has a line {noun[:20]!r} that is not allowed there: one cluster, at most "
                f"{KEY_COUNT_MAX} keys and one primary"
            )
    if cluster_id is None or primary is None or not keys:
        raise InvalidRequest("the key file lacks its cluster, a key or the primary")
    ids = [derive_key_id(key) for _, key in keys]
    if primary[0] not in ids or len(set(ids)) != len(ids):
        raise InvalidRequest("the key file names a primary that it does not hold, or one key twice")
    return Keyring.from_keys(cluster_id, keys, ids.index(primary[0]), primary[1])


def _check(lines: list[str]) -> str:
    return blake2b("\n".join(lines).encode(), digest_size=_CHECK_SIZE, person=_CHECK_PERSON).hexdigest()


def _read_cluster_id(value: str) -> ClusterId:
    try:
        return ClusterId(parse_ulid(value))
    except ValueError as wrong:
        raise InvalidRequest(f"the key file's cluster id is wrong: {wrong}") from None


def _read_key(value: str) -> tuple[int, bytes]:
    key_id, stamp, key_text = _split(value, "key", 3)
    key = _read_hex(key_text, "key")
    if len(key) != CLUSTER_KEY_SIZE:
        raise InvalidRequest(f"the key file has a key of {len(key)} bytes, not {CLUSTER_KEY_SIZE}")
    if derive_key_id(key) != _read_hex(key_id, "key id"):
        raise InvalidRequest(f"the key file's key {key_id[:8]!r} does not have that id")
    return _read_stamp(stamp), key


def _read_primary(value: str) -> tuple[bytes, int]:
    key_id, stamp = _split(value, "primary", 2)
    return _read_hex(key_id, "primary"), _read_stamp(stamp)


def _split(value: str, noun: str, count: int) -> list[str]:
    words = value.split(" ")
    if len(words) != count:
        raise InvalidRequest(f"the key file's {noun} line has {len(words)} words after its name, not {count}")
    return words


def _read_hex(text: str, noun: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InvalidRequest(f"the key file's {noun} is not written in hex letters") from None


def _read_stamp(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _STAMP_LENGTH_MAX or int(text) > STAMP_MAX:
        raise InvalidRequest(f"the key file has a time {text[:20]!r}, which is no unix time in ms")
    return int(text)
