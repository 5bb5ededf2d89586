"""From what a person wrote to the value a setting holds, by the setting's kind.

The command line and the environment give text; TOML and an embedding program give typed values. Both
end here, and both are refused with one sentence: what was found, and what is allowed.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any

from node.setting import (
    DEFAULT_CONSUL_PORT,
    DEFAULT_GOSSIP_PORT,
    DEFAULT_HTTP_PORT,
    MANY,
    OFF,
    Kind,
    Setting,
)
from protocol.address import Address, split_host_port
from protocol.error import InvalidRequest, MalformedMessage
from protocol.wire.statement import TAG_COUNT_MAX, check_display_name, check_name, check_tags

SEEDS_MAX = 64
"""Seeds are retried for ever, each with a dial; a cluster needs three."""
HOSTS_MAX = 64
ISSUERS_MAX = 64
"""One or two are in use; more are a file that was generated wrongly."""
OWN_TAGS = {"region": "--region", "dc": "--datacenter"}
"""Tags that a node writes itself, and the flags they come from."""
USER_TAGS_MAX = TAG_COUNT_MAX - len(OWN_TAGS)
DURATION_MAX_S = 366 * 86_400.0
PATH_LENGTH_MAX = 4096
FOUND_LENGTH_MAX = 60
"""What is quoted of a wrong value."""

_TRUE = frozenset({"1", "t", "true", "yes", "on"})
_FALSE = frozenset({"0", "f", "false", "no", "off"})
_PLACE = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})\Z")
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PORTS = {"http": DEFAULT_HTTP_PORT, "consul_http": DEFAULT_CONSUL_PORT}
_PROFILES = ("lan", "wan", "local")
_LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "warn": "warning", "error": "error", "err": "error"}


class ConfigError(InvalidRequest):
    """A setting is unknown or wrong; the text names where it was found, and what is allowed."""


def read_text(setting: Setting, parts: tuple[str, ...], where: str) -> Any:
    """Read a flag (once or more) or a variable; `where` begins the sentence that refuses it.

    Raises:
        ConfigError: not a value of the setting's kind.
    """
    if setting.kind is Kind.TAGS:
        return read_value(setting, _split_tags(setting, parts, where), where)
    if setting.kind in MANY:
        return read_value(setting, list(parts), where)
    text = parts[-1]
    if setting.kind is Kind.FLAG:
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise _refusal(setting, text, where)
        return word in _TRUE
    return read_value(setting, text, where)


def read_value(setting: Setting, value: Any, where: str) -> Any:
    """Read a typed value, from TOML or from a program.

    Raises:
        ConfigError: another type, or not a value of the setting's kind.
    """
    has_shape, read = _READERS[setting.kind]
    if isinstance(value, Path):
        value = str(value)
    elif isinstance(value, tuple) and not isinstance(value, Address):
        value = list(value)
    elif isinstance(value, Mapping):
        value = dict(value)
    elif isinstance(value, Address):
        value = str(value)
    try:
        if not has_shape(value):
            raise _refusal(setting, value, where)
        return read(setting, value)
    except ConfigError:
        raise
    except (ValueError, MalformedMessage) as wrong:
        raise ConfigError(f"{where}: {wrong}") from None


def parse_duration(text: str) -> float:
    """Read "24h", "1h30m", "250ms" or "90" (seconds).

    Raises:
        ValueError: not such a text.
    """
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{_quote(text)} is not {Kind.DURATION.value}")
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


def _split_tags(setting: Setting, parts: tuple[str, ...], where: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise _refusal(setting, part, where)
        if key in tags:
            raise ConfigError(f"{where}: tag {_quote(key)} is given twice")
        tags[key] = value
    return tags


def _refusal(setting: Setting, value: Any, where: str) -> ConfigError:
    return ConfigError(f"{where}: {_quote(value)} is not {setting.kind.value}")


def _quote(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= FOUND_LENGTH_MAX else shown[:FOUND_LENGTH_MAX] + "..."


# --- one reader per kind: they raise ValueError (InvalidRequest is one) or MalformedMessage ---------


def _read_name(_setting: Setting, text: str) -> str:
    return check_name(text)


def _read_place(setting: Setting, text: str) -> str:
    if not _PLACE.match(text):
        raise ValueError(f"{_quote(text)} is not {setting.kind.value}")
    return text


def _read_display_name(_setting: Setting, text: str) -> str:
    return check_display_name(text)


def _read_flag(_setting: Setting, value: bool) -> bool:
    return value


def _read_bind(setting: Setting, text: str) -> Address:
    default_port = 0 if setting.key == "advertise" else DEFAULT_GOSSIP_PORT
    return _read_address(setting, text, default_port)


def _read_listener(setting: Setting, text: str) -> Address | None:
    if text.strip().lower() == OFF:
        return None
    return _read_address(setting, text, _PORTS[setting.key])


def _read_address(setting: Setting, text: str, default_port: int) -> Address:
    host, port = split_host_port(text, default_port)
    try:
        return Address(str(ip_address("127.0.0.1" if host.lower() == "localhost" else host)), port)
    except ValueError:
        raise ValueError(f"{_quote(text)} is not {setting.kind.value}") from None


def _read_seeds(_setting: Setting, texts: list[str]) -> tuple[str, ...]:
    seeds = tuple(dict.fromkeys(text.strip() for text in texts))
    if len(seeds) > SEEDS_MAX:
        raise ValueError(f"{len(seeds)} seeds, at most {SEEDS_MAX}")
    for seed in seeds:
        if split_host_port(seed, DEFAULT_GOSSIP_PORT)[1] == 0:
            raise ValueError(f"{_quote(seed)} has port 0: a seed's port must be known")
    return seeds


def _read_hosts(_setting: Setting, texts: list[str]) -> tuple[str, ...]:
    hosts = tuple(dict.fromkeys(text.strip().lower() for text in texts))
    if len(hosts) > HOSTS_MAX:
        raise ValueError(f"{len(hosts)} host names, at most {HOSTS_MAX}")
    for host in hosts:
        if not _HOST.match(host):
            raise ValueError(f"{_quote(host)} is no host name: give it without scheme, port and path")
    return hosts


def _read_key(_setting: Setting, text: str) -> str:
    from protocol.security.signing_key import parse_public_key  # libsodium, which most commands do without

    parse_public_key(text.strip())
    return text.strip()


def _read_keys(setting: Setting, texts: list[str]) -> tuple[str, ...]:
    keys = tuple(dict.fromkeys(_read_key(setting, text) for text in texts))
    if len(keys) > ISSUERS_MAX:
        raise ValueError(f"{len(keys)} public keys, at most {ISSUERS_MAX}")
    return keys


def _read_path(_setting: Setting, text: str) -> Path:
    if not text or "\0" in text or len(text) > PATH_LENGTH_MAX:
        raise ValueError(f"{_quote(text)} is not a path of 1 to {PATH_LENGTH_MAX} characters")
    return Path(text).expanduser()


def _read_profile(setting: Setting, text: str) -> str:
    if text not in _PROFILES:
        raise ValueError(f"{_quote(text)} is not {setting.kind.value}")
    return text


def _read_level(setting: Setting, text: str) -> str:
    if text.lower() not in _LEVELS:
        raise ValueError(f"{_quote(text)} is not {setting.kind.value}")
    return _LEVELS[text.lower()]


def _read_tags(_setting: Setting, tags: dict[str, str]) -> Mapping[str, str]:
    for key in tags:
        if key in OWN_TAGS:
            raise ValueError(f"tag {key!r} is the node's own: set it with {OWN_TAGS[key]}")
    if len(tags) > USER_TAGS_MAX:
        raise ValueError(f"{len(tags)} tags, at most {USER_TAGS_MAX}")
    return MappingProxyType(dict(check_tags(tuple(sorted(tags.items())))))


def _read_duration(_setting: Setting, value: float | str) -> float:
    seconds = parse_duration(value.strip()) if isinstance(value, str) else float(value)
    if not 1.0 <= seconds <= DURATION_MAX_S:
        raise ValueError(f"{_quote(value)} is not between 1s and 366d")
    return seconds


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(k, str) and isinstance(v, str) for k, v in value.items())


def _is_time(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


_READERS: dict[Kind, tuple[Callable[[object], bool], Callable[[Setting, Any], Any]]] = {
    Kind.NAME: (_is_text, _read_name),
    Kind.PLACE: (_is_text, _read_place),
    Kind.TEXT: (_is_text, _read_display_name),
    Kind.FLAG: (_is_flag, _read_flag),
    Kind.BIND: (_is_text, _read_bind),
    Kind.LISTENER: (_is_text, _read_listener),
    Kind.SEEDS: (_is_texts, _read_seeds),
    Kind.HOSTS: (_is_texts, _read_hosts),
    Kind.KEY: (_is_text, _read_key),
    Kind.KEYS: (_is_texts, _read_keys),
    Kind.PATH: (_is_text, _read_path),
    Kind.PROFILE: (_is_text, _read_profile),
    Kind.LEVEL: (_is_text, _read_level),
    Kind.TAGS: (_is_table, _read_tags),
    Kind.DURATION: (_is_time, _read_duration),
}
"""What a value must look like, and what makes the setting of it. By hand: msgspec would cost a node without HTTP
1.3 MiB for these five shapes."""
