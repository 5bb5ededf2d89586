"""The running configuration with the keys of a Consul's: all of 0.7's, and those that later versions have besides.

True where we have the thing, else zero. No secret is among them: where Consul has tokens and keys, there is no key.
"""

from typing import Any, Final

from api.view import ConfigView
from protocol.address import Address

OFF: Final = -1
"""A port that is not listened on, as Consul writes it."""

PROTOCOL: Final = 2
"""Of Consul's agents; what our members speak is in their own shape."""

API_VERSION: Final = "1.8.7"
"""The Consul whose API is spoken: programs gate on it, Nomad at 1.8.0."""
OWN_VERSION_KEY: Final = "shoal-version"
"""Where a dialect has text of a user's choice, Shoal's own version stands under this name."""


def config_answer(config: ConfigView, node_id: str, version: str, http: Address | None) -> dict[str, Any]:
    """Shape the part `Config` of /v1/agent/self; `http` is where this dialect listens, `version` is Shoal's own."""
    gossip = config.advertise
    return {
        "AdvertiseAddr": gossip.host,
        "Bootstrap": False,
        "BindAddr": config.bind.host,
        "CAFile": "",
        "CertFile": "",
        "ClientAddr": http.host if http else "",
        "DNSRecursor": "",
        "DNSRecursors": [],
        "DataDir": config.data_dir,
        "Datacenter": config.datacenter,
        "DevMode": config.dev_mode,
        "Domain": "consul.",
        "EnableDebug": False,
        "EnableSyslog": False,
        "KeyFile": "",
        "LeaveOnTerm": config.leave_on_terminate,
        "LogLevel": config.log_level.upper(),
        "NodeID": node_id,
        "NodeName": config.node_name,
        "PidFile": "",
        "Ports": {
            "DNS": OFF,
            "HTTP": http.port if http else OFF,
            "HTTPS": OFF,
            "RPC": OFF,
            "SerfLan": gossip.port,
            "SerfWan": gossip.port,
            "Server": gossip.port,
        },
        "Protocol": PROTOCOL,
        "RejoinAfterLeave": config.rejoin_after_leave,
        "Revision": version,
        "RetryJoin": list(config.join),
        "Server": True,
        "SkipLeaveOnInt": not config.leave_on_interrupt,
        "StartJoin": list(config.join),
        "StatsiteAddr": "",
        "SyslogFacility": "",
        "UiDir": "",
        "VerifyIncoming": True,
        "VerifyOutgoing": True,
        "VerifyServerHostname": False,
        "Version": API_VERSION,
    }


def debug_config_answer(config: ConfigView, http: Address | None) -> dict[str, Any]:
    """Shape the part `DebugConfig` of /v1/agent/self: what programs read of it, addresses as `tcp://` and host:port."""
    gossip = config.advertise
    return {
        "AdvertiseAddrLAN": gossip.host,
        "BindAddr": config.bind.host,
        "EnableDebug": False,  # without which `consul debug` ends at once
        "HTTPAddrs": [_url(http)] if http else [],
        "HTTPPort": http.port if http else OFF,
        "SerfAdvertiseAddrLAN": _url(gossip),
        "SerfBindAddrLAN": _url(config.bind),
        "SerfPortLAN": gossip.port,
    }


def _url(address: Address) -> str:
    return f"tcp://{address}"
