"""The running configuration with the keys of a Nomad's: true where we have the thing, else zero.

No secret is among them; where Nomad has one (Vault's and Consul's tokens) the value is empty.
"""

from typing import Any, Final

from api.view import ConfigView

API_VERSION: Final = "1.0.18"
"""The Nomad whose API is spoken: programs gate on it."""
OWN_VERSION_KEY: Final = "shoal-version"
"""Where the dialect has text of a user's choice, Shoal's own version stands under this name."""


def config_answer(config: ConfigView, version: str, servers: tuple[str, ...]) -> dict[str, Any]:
    """Shape the part `config` of /v1/agent/self; `version` is Shoal's own."""
    gossip = config.advertise
    http = config.http
    return {
        "Addresses": {"HTTP": http.host if http else "", "RPC": config.bind.host, "Serf": config.bind.host},
        "AdvertiseAddrs": {"HTTP": str(http) if http else "", "RPC": str(gossip), "Serf": str(gossip)},
        "BindAddr": config.bind.host,
        "Client": _client(servers, version),
        "Consul": _consul(),
        "DataDir": config.data_dir,
        "Datacenter": config.datacenter,
        "DevMode": config.dev_mode,
        "DisableAnonymousSignature": True,
        "DisableUpdateCheck": True,
        "EnableDebug": False,
        "EnableSyslog": False,
        "Files": list(config.config_files),
        "HTTPAPIResponseHeaders": {},
        "LeaveOnInt": config.leave_on_interrupt,
        "LeaveOnTerm": config.leave_on_terminate,
        "LogLevel": config.log_level.upper(),
        "NodeName": config.node_name,
        "Ports": {"HTTP": http.port if http else 0, "RPC": gossip.port, "Serf": gossip.port},
        "Profile": config.profile,
        "Region": config.region,
        "Revision": version,
        "Server": _server(config),
        "SyslogFacility": "",
        "TLSConfig": {
            "CAFile": "",
            "CertFile": "",
            "EnableHTTP": False,
            "EnableRPC": True,
            "KeyFile": "",
            "VerifyServerHostname": False,
        },
        "Telemetry": _telemetry(),
        "Vault": _vault(),
        "Version": API_VERSION,
        "VersionPrerelease": "",
    }


def _client(servers: tuple[str, ...], version: str) -> dict[str, Any]:
    return {
        "AllocDir": "",
        "ChrootEnv": {},
        "ClientMaxPort": 0,
        "ClientMinPort": 0,
        "Enabled": True,
        "GCDiskUsageThreshold": 0,
        "GCInodeUsageThreshold": 0,
        "GCInterval": 0,
        "MaxKillTimeout": "",
        "Meta": {OWN_VERSION_KEY: version},
        "NetworkInterface": "",
        "NetworkSpeed": 0,
        "NodeClass": "",
        "Options": {},
        "Reserved": {"CPU": 0, "DiskMB": 0, "IOPS": 0, "MemoryMB": 0, "ParsedReservedPorts": None, "ReservedPorts": ""},
        "Servers": list(servers),
        "StateDir": "",
    }


def _consul() -> dict[str, Any]:
    return {
        "Addr": "",
        "Auth": "",
        "AutoAdvertise": False,
        "CAFile": "",
        "CertFile": "",
        "ChecksUseAdvertise": False,
        "ClientAutoJoin": False,
        "ClientServiceName": "",
        "EnableSSL": False,
        "KeyFile": "",
        "ServerAutoJoin": False,
        "ServerServiceName": "",
        "Timeout": 0,
        "Token": "",
        "VerifySSL": False,
    }


def _server(config: ConfigView) -> dict[str, Any]:
    return {
        "BootstrapExpect": 0,
        "DataDir": "",
        "Enabled": True,
        "EnabledSchedulers": None,
        "HeartbeatGrace": "",
        "NodeGCThreshold": "",
        "NumSchedulers": 0,
        "ProtocolVersion": 0,
        "RejoinAfterLeave": config.rejoin_after_leave,
        "RetryInterval": f"{config.retry_interval_s:g}s",
        "RetryJoin": list(config.join),
        "RetryMaxAttempts": 0,
        "StartJoin": list(config.join),
    }


def _telemetry() -> dict[str, Any]:
    circonus = (
        *("APIApp", "APIToken", "APIURL", "BrokerID", "BrokerSelectTag", "CheckDisplayName"),
        *("CheckForceMetricActivation", "CheckID", "CheckInstanceID", "CheckSearchTag"),
        *("CheckSubmissionURL", "CheckTags", "SubmissionInterval"),
    )
    return {
        **{f"Circonus{key}": "" for key in circonus},
        "CollectionInterval": "",
        "DataDogAddr": "",
        "DataDogTags": [],
        "DisableHostname": True,
        "PublishAllocationMetrics": False,
        "PublishNodeMetrics": True,
        "StatsdAddr": "",
        "StatsiteAddr": "",
        "UseNodeName": False,
    }


def _vault() -> dict[str, Any]:
    return {
        "Addr": "",
        "AllowUnauthenticated": False,
        "ConnectionRetryIntv": 0,
        "Enabled": False,
        "Role": "",
        "TLSCaFile": "",
        "TLSCaPath": "",
        "TLSCertFile": "",
        "TLSKeyFile": "",
        "TLSServerName": "",
        "TLSSkipVerify": None,
        "TaskTokenTTL": "",
        "Token": "",
    }
