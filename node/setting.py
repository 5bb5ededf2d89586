"""Every setting of a node, as data: flag, environment, TOML key, default and meaning in one table.

`node.config` reads values by it, `node.config_source` finds them, `node.config_flag` makes the command
line's options of it, and `settings_table` the README's page. `agent` prints nothing that is not here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

DEFAULT_GOSSIP_PORT = 7946
"""Serf's and Consul's own, so that firewalls know it."""
DEFAULT_HTTP_PORT = 4646
"""Nomad's."""
DEFAULT_CONSUL_PORT = 8500
OFF = "off"


class Kind(Enum):
    """What a value may be; the value says it to a person."""

    NAME = "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
    PLACE = "1 to 64 letters, digits, '_' or '-'"
    TEXT = "text"
    FLAG = "true or false"
    BIND = "an IP address with a port, such as 127.0.0.1:7946 or [::1]:7946"
    LISTENER = "an IP address with a port, such as 127.0.0.1:4646, or off"
    SEEDS = "host:port, an IP address or a DNS name, once or more"
    HOSTS = "host names, once or more"
    KEY = "a public key: base64 of 32 bytes, 44 letters"
    KEYS = "public keys, once or more, each base64 of 32 bytes, 44 letters"
    PATH = "a path"
    PROFILE = "lan, wan or local"
    LEVEL = "debug, info, warning or error"
    TAGS = "key=value, once or more"
    DURATION = "a time such as 90s, 30m or 24h"


MANY = frozenset({Kind.SEEDS, Kind.HOSTS, Kind.KEYS, Kind.TAGS})
"""Kinds whose flag may be repeated; in the environment the parts are separated by commas."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `key` is the field of Config and the TOML key; flag and variable follow from it."""

    key: str
    kind: Kind
    default: str
    """As the README shows it; `Config` holds the value."""
    meaning: str
    flag_name: str = ""
    """Where the flag is not the key: `--tag` for `tags`."""
    is_secret: bool = False
    """Not shown by `Config.public_view`: it tells where keys are kept."""
    is_reloaded: bool = False
    """Read again at SIGHUP."""

    @property
    def flag(self) -> str:
        """The option of `shoal agent`."""
        return "--" + (self.flag_name or self.key).replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "SHOAL_" + self.key.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting("name", Kind.NAME, "the host name", "Name of this node, unique among the living."),
    Setting("bind", Kind.BIND, f"0.0.0.0:{DEFAULT_GOSSIP_PORT}", "Where gossip is heard, UDP and TCP; port 0: any."),
    Setting("advertise", Kind.BIND, "the bound address",
            "Address that others are told; needed where they see another than the bound one. Port 0: the bound port."),
    Setting("http", Kind.LISTENER, f"127.0.0.1:{DEFAULT_HTTP_PORT}", "Listener of Nomad's dialect and the native API."),
    Setting("consul_http", Kind.LISTENER, OFF, "Listener of Consul's dialect and the native API."),
    Setting("join", Kind.SEEDS, "none", "Members to join through; retried for ever, DNS asked again each time."),
    Setting("data_dir", Kind.PATH, "$XDG_DATA_HOME/shoal, else ~/.local/share/shoal",
            "Identity, keys and state; one per node, so a second node on a machine is given its own."),
    Setting("key_file", Kind.PATH, "the keyring in the data directory",
            "The cluster's key file (`shoal keys new`): who has it is in.", is_secret=True),
    Setting("license", Kind.PATH, "the open license", "The cluster's license file, the same on all members.",
            is_secret=True, is_reloaded=True),
    Setting("license_issuers", Kind.KEYS, "every issuer",
            "Whose licenses count: the public keys that `shoal license issue` prints.", "license_issuer",
            is_reloaded=True),
    Setting("revocation_operator_key", Kind.KEY, "none",
            "Only statements signed with this key put members out or in again."),
    Setting("profile", Kind.PROFILE, "lan", "How fast and how patient; the same on all members."),
    Setting("tags", Kind.TAGS, "none", "Tags of this node, seen by all. In TOML a table.", "tag", is_reloaded=True),
    Setting("region", Kind.PLACE, "global", "Region, as Nomad's dialect shows it."),
    Setting("datacenter", Kind.PLACE, "dc1", "Data centre."),
    Setting("display_name", Kind.TEXT, "none", "Free text for people, at most 128 characters."),
    Setting("acl", Kind.FLAG, "false", "Ask HTTP requests for a token with the right scope (`shoal token`)."),
    Setting("http_allow_open", Kind.FLAG, "false", "Let HTTP listen beyond loopback without --acl."),
    Setting("http_allowed_hosts", Kind.HOSTS, "none",
            "Names by which HTTP may be called, beside IP addresses and localhost.", "http_allowed_host"),
    Setting("http_tls_cert", Kind.PATH, "none", "Certificate chain (PEM) for HTTPS.", is_reloaded=True),
    Setting("http_tls_key", Kind.PATH, "none", "Its private key (PEM).", is_secret=True, is_reloaded=True),
    Setting("enable_script_checks", Kind.FLAG, "false",
            "Let checks of services run programs here or in containers: whoever may register a check then runs them."),
    Setting("log_level", Kind.LEVEL, "info", "What is logged: debug, info, warning or error.", is_reloaded=True),
    Setting("log_json", Kind.FLAG, "false", "Log one JSON object a line."),
    Setting("leave_on_terminate", Kind.FLAG, "false", "Leave gracefully at SIGTERM too, not only at SIGINT."),
    Setting("rejoin_after_leave", Kind.FLAG, "false", "Return at a start without seeds after a graceful leave."),
    Setting("reap_after", Kind.DURATION, "24h", "How long failed and left members stay listed."),
    Setting("lha_probe", Kind.FLAG, "true", "Lifeguard: local health stretches probe interval and timeout."),
    Setting("lha_suspicion", Kind.FLAG, "true", "Lifeguard: suspicion shrinks with independent confirmations."),
    Setting("buddy", Kind.FLAG, "true", "Lifeguard: who is accused is told at once, with the ping."),
    Setting("stream_fallback", Kind.FLAG, "true", "A failing probe tries TCP as its last word."),
    Setting("coordinates", Kind.FLAG, "true", "Round trips of probes give each node a place; others are sorted by it."),
    Setting("second_look", Kind.FLAG, "true", "Before a verdict the suspect is asked once more by each node itself."),
    Setting("own_look", Kind.FLAG, "true", "Who hears an accusation asks the suspect; a refusing port ends it sooner."),
    Setting("early_probe", Kind.FLAG, "true", "Who is probed probes, where its turn is near: fewer wake-ups."),
)  # fmt: skip

BY_KEY = {setting.key: setting for setting in SETTINGS}
CONFIG_VARIABLE = "SHOAL_CONFIG"
"""The TOML file, where `--config` is not given."""


def settings_table() -> str:
    """Write the settings as a Markdown table, as the README has it."""
    return "\n".join(_table_lines()) + "\n"


def _table_lines() -> Iterator[str]:
    yield "| flag | environment | TOML | default | meaning |"
    yield "|---|---|---|---|---|"
    yield f"| `--config FILE` | `{CONFIG_VARIABLE}` | | none | A TOML file with any of the settings below. |"
    for setting in SETTINGS:
        reload = " Read again at SIGHUP." if setting.is_reloaded else ""
        default = (
            f"`{setting.default}`" if " " not in setting.default and setting.default != "none" else setting.default
        )
        flag = setting.flag + ("" if setting.kind is Kind.FLAG else f" {metavar(setting)}")
        yield (f"| `{flag}` | `{setting.variable}` | `{setting.key}` | {default} | {setting.meaning}{reload} |")


def metavar(setting: Setting) -> str:
    """Give the word that stands for the value in a command's help."""
    return _METAVARS.get(setting.kind, setting.kind.name)


_METAVARS = {
    Kind.BIND: "ADDR",
    Kind.LISTENER: "ADDR|off",
    Kind.SEEDS: "ADDR",
    Kind.HOSTS: "HOST",
    Kind.KEY: "PUBLICKEY",
    Kind.KEYS: "PUBLICKEY",
    Kind.PROFILE: "lan|wan|local",
    Kind.LEVEL: "LEVEL",
    Kind.TAGS: "KEY=VALUE",
    Kind.DURATION: "TIME",
    Kind.PLACE: "NAME",
}
