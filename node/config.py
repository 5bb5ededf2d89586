"""What one node was told: the settings of `node.setting`, read and checked.

Config.lan(name="n1", bind="127.0.0.1:0", join=["10.0.0.1"])    in a program
node.config_source.load_config(flags, os.environ)               on the command line
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

from node.setting import BY_KEY, DEFAULT_GOSSIP_PORT, DEFAULT_HTTP_PORT, SETTINGS
from node.setting_value import ConfigError, read_value
from node.spelling import unknown_sentence
from protocol.address import Address
from protocol.swim.settings import DAY_S, ProfileName, Settings
from protocol.wire.statement import NAME_LENGTH_MAX, NAME_PATTERN

LogLevel = Literal["debug", "info", "warning", "error"]

DEFAULT_REGION = "global"
DEFAULT_DATACENTER = "dc1"
DEFAULT_BIND = Address("0.0.0.0", DEFAULT_GOSSIP_PORT)
DEFAULT_HTTP = Address("127.0.0.1", DEFAULT_HTTP_PORT)
REDACTED = "<redacted>"


def default_name() -> str:
    """Give the host name with what a member name cannot have replaced by hyphens; "node" if nothing is left."""
    letters = (letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in _host_name())
    name = "".join(letters).strip("._-")[:NAME_LENGTH_MAX]
    return name if NAME_PATTERN.match(name) else "node"


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Give the directory of a node that is told none: $XDG_DATA_HOME/shoal, else ~/.local/share/shoal.

    It does not depend on the node's name, so that every command on the machine finds the admin token
    there. A second node on one machine needs --data-dir; the lock in the directory says so.
    """
    home = environ.get("HOME")
    data_home = environ.get("XDG_DATA_HOME", "")
    if data_home.startswith("/"):  # the XDG specification has relative ones ignored
        return Path(data_home) / "shoal"
    return (Path(home) if home else _home()) / ".local" / "share" / "shoal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one node; `node.setting` says what each means.

    Paths are not opened here, names are not resolved and nothing is bound: a Config is only a wish that
    can be fulfilled as far as its text goes.
    """

    data_dir: Path
    name: str = field(default_factory=default_name)
    bind: Address = DEFAULT_BIND
    advertise: Address | None = None
    """Port 0: the bound port."""
    http: Address | None = DEFAULT_HTTP
    """None: off."""
    consul_http: Address | None = None
    """None: off."""
    join: tuple[str, ...] = ()
    """host or host:port, the host an IP address or a DNS name; for `node.bind.Resolver`."""
    key_file: Path | None = None
    license: Path | None = None
    license_issuers: tuple[str, ...] = ()
    """Base64, as `protocol.security.signing_key.parse_public_key` reads them; empty: every issuer."""
    revocation_operator_key: str | None = None
    """Base64 likewise."""
    profile: ProfileName = "lan"
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The user's own; `region` and `dc` are added by `record_tags`."""
    region: str = DEFAULT_REGION
    datacenter: str = DEFAULT_DATACENTER
    display_name: str = ""
    acl: bool = False
    http_allow_open: bool = False
    http_allowed_hosts: tuple[str, ...] = ()
    """In lower case."""
    http_tls_cert: Path | None = None
    http_tls_key: Path | None = None
    enable_script_checks: bool = False
    log_level: LogLevel = "info"
    log_json: bool = False
    leave_on_terminate: bool = False
    rejoin_after_leave: bool = False
    reap_after: float = DAY_S
    """Seconds."""
    lha_probe: bool = True
    lha_suspicion: bool = True
    buddy: bool = True
    stream_fallback: bool = True
    second_look: bool = True
    own_look: bool = True
    early_probe: bool = True
    coordinates: bool = True

    def __post_init__(self) -> None:
        """Refuse what only two settings together show to be wrong."""
        if (self.http_tls_cert is None) != (self.http_tls_key is None):
            raise ConfigError("http_tls_cert and http_tls_key go together: give both or neither")

    @classmethod
    def lan(cls, **settings: Any) -> Self:
        """Make a config for one data centre; settings by their names, as text or as typed values.

        Raises:
            ConfigError: an unknown setting, or a wrong value.
        """
        return cls.from_values({"profile": "lan", **settings}, "Config.lan")

    @classmethod
    def wan(cls, **settings: Any) -> Self:
        """Make a config for members in different places; as `lan`."""
        return cls.from_values({"profile": "wan", **settings}, "Config.wan")

    @classmethod
    def local(cls, **settings: Any) -> Self:
        """Make a config for processes on one machine; as `lan`."""
        return cls.from_values({"profile": "local", **settings}, "Config.local")

    @classmethod
    def from_values(cls, values: Mapping[str, Any], where: str) -> Self:
        """Check typed values, as TOML or a program gives them; None means the default.

        Raises:
            ConfigError: an unknown setting, or a wrong value; `where` begins the sentence.
        """
        return cls.from_read(read_values(values, where))

    @classmethod
    def from_read(cls, read: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Self:
        """Make a config of values that were read by their settings already."""
        if "data_dir" in read:
            return cls(**read)
        return cls(data_dir=default_data_dir(_process_environ() if environ is None else environ), **read)

    def replace(self, **settings: Any) -> Self:
        """Give a copy with other settings, checked as in `lan`."""
        return replace(self, **read_values(settings, "Config.replace"))

    def record_tags(self) -> dict[str, str]:
        """Give the tags that the node's record carries: the user's, with `region` and `dc`."""
        return {**self.tags, "region": self.region, "dc": self.datacenter}

    def engine_settings(self, **changes: Any) -> Settings:
        """Give the engine's knobs: the profile's, with this config's switches and further changes."""
        profiles = {"lan": Settings.lan, "wan": Settings.wan, "local": Settings.local}
        own: dict[str, Any] = {
            "reap_after_s": self.reap_after,
            "lha_probe": self.lha_probe,
            "lha_suspicion": self.lha_suspicion,
            "buddy": self.buddy,
            "stream_fallback": self.stream_fallback,
            "second_look": self.second_look,
            "own_look": self.own_look,
            "early_probe": self.early_probe,
            "coordinates": self.coordinates,
        }
        return profiles[self.profile](**(own | changes))

    def public_view(self) -> dict[str, object]:
        """Give every setting as text, numbers, lists and objects for JSON, with secrets redacted."""
        view: dict[str, object] = {}
        for setting in SETTINGS:
            value = getattr(self, setting.key)
            view[setting.key] = REDACTED if setting.is_secret and value is not None else _plain(value)
        return view


def read_values(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read typed values by their settings; None is left out.

    Raises:
        ConfigError: an unknown setting (the nearest known one is named), or a wrong value.
    """
    for key in values:
        if key not in BY_KEY:
            raise ConfigError(f"{where}: {unknown_sentence('setting', key, BY_KEY)}")
    return {
        key: read_value(BY_KEY[key], value, f"{where}: {key}") for key, value in values.items() if value is not None
    }


def _plain(value: object) -> object:
    if isinstance(value, Address | Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return dict(value) if isinstance(value, Mapping) else value


def _host_name() -> str:
    return socket.gethostname()


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # neither HOME nor an entry in the user database
        raise ConfigError("there is no home directory for the node's state: give --data-dir") from None


def _process_environ() -> Mapping[str, str]:
    from os import environ

    return environ
