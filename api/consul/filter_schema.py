"""What filters may name: the fields of each listing in Consul 1.8, those too that are not shown here.

A selector is checked against these before any entry is looked at, so that a misspelt one is refused also while there
is nothing to list. A field that no entry shows is as Go's zero: no text, 0, false, nothing in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final


class Kind(Enum):
    """What a field holds."""

    TEXT = auto()
    BOOL = auto()
    INTEGER = auto()
    TEXTS = auto()
    """A list of texts."""
    MAP = auto()
    """Any text as a key; all values are of one kind."""
    STRUCT = auto()
    STRUCTS = auto()
    """A list of structs: what is asked of it holds if it holds of any of them."""


@dataclass(frozen=True, slots=True)
class Field:
    """What may be asked of a field, and which fields it has itself."""

    kind: Kind
    fields: "Schema" = field(default_factory=dict)
    """Of a struct, or of each struct in a list."""
    value: "Field | None" = None
    """Of a map."""

    def find(self, name: str) -> "Field | None":
        """Find what a name in a selector stands for; None: there is no such field."""
        return self.value if self.kind is Kind.MAP else self.fields.get(name)


Schema = Mapping[str, Field]

TEXT: Final = Field(Kind.TEXT)
BOOL: Final = Field(Kind.BOOL)
INTEGER: Final = Field(Kind.INTEGER)
TEXTS: Final = Field(Kind.TEXTS)
TEXT_MAP: Final = Field(Kind.MAP, value=TEXT)


def struct(fields: Schema) -> Field:
    """Make the field that holds one struct."""
    return Field(Kind.STRUCT, fields)


def structs(fields: Schema) -> Field:
    """Make the field that holds a list of structs."""
    return Field(Kind.STRUCTS, fields)


_ADDRESSES: Final = Field(Kind.MAP, value=struct({"Address": TEXT, "Port": INTEGER}))
_WEIGHTS: Final = struct({"Passing": INTEGER, "Warning": INTEGER})
_CONNECT: Final = struct({"Native": BOOL})
_MESH_GATEWAY: Final = struct({"Mode": TEXT})
_UPSTREAMS: Final = structs(
    {
        "DestinationType": TEXT,
        "DestinationNamespace": TEXT,
        "DestinationName": TEXT,
        "Datacenter": TEXT,
        "LocalBindAddress": TEXT,
        "LocalBindPort": INTEGER,
        "MeshGateway": _MESH_GATEWAY,
    }
)
_EXPOSED_PATHS: Final = structs(
    {"ListenerPort": INTEGER, "Path": TEXT, "LocalPathPort": INTEGER, "Protocol": TEXT, "ParsedFromCheck": BOOL}
)
_PROXY: Final = struct(
    {
        "DestinationServiceName": TEXT,
        "DestinationServiceID": TEXT,
        "LocalServiceAddress": TEXT,
        "LocalServicePort": INTEGER,
        "Upstreams": _UPSTREAMS,
        "MeshGateway": _MESH_GATEWAY,
        "Expose": struct({"Checks": BOOL, "Paths": _EXPOSED_PATHS}),
    }
)

NODE: Final[Schema] = {
    "ID": TEXT,
    "Node": TEXT,
    "Address": TEXT,
    "Datacenter": TEXT,
    "TaggedAddresses": TEXT_MAP,
    "Meta": TEXT_MAP,
}
"""Of catalog/nodes."""

NODE_SERVICE: Final[Schema] = {
    "Kind": TEXT,
    "ID": TEXT,
    "Service": TEXT,
    "Tags": TEXTS,
    "Address": TEXT,
    "TaggedAddresses": _ADDRESSES,
    "Meta": TEXT_MAP,
    "Port": INTEGER,
    "Weights": _WEIGHTS,
    "EnableTagOverride": BOOL,
    "Proxy": _PROXY,
    "Connect": _CONNECT,
}
"""Of agent/services, and of the services in catalog/node and catalog/node-services."""

INSTANCE: Final[Schema] = {
    "ID": TEXT,
    "Node": TEXT,
    "Address": TEXT,
    "Datacenter": TEXT,
    "TaggedAddresses": TEXT_MAP,
    "NodeMeta": TEXT_MAP,
    "ServiceKind": TEXT,
    "ServiceID": TEXT,
    "ServiceName": TEXT,
    "ServiceTags": TEXTS,
    "ServiceAddress": TEXT,
    "ServiceTaggedAddresses": _ADDRESSES,
    "ServiceMeta": TEXT_MAP,
    "ServicePort": INTEGER,
    "ServiceWeights": _WEIGHTS,
    "ServiceEnableTagOverride": BOOL,
    "ServiceProxy": _PROXY,
    "ServiceConnect": _CONNECT,
}
"""Of catalog/service, and of the instances that catalog/services is made of."""

CHECK: Final[Schema] = {
    "Node": TEXT,
    "CheckID": TEXT,
    "Name": TEXT,
    "Status": TEXT,
    "Notes": TEXT,
    "Output": TEXT,
    "ServiceID": TEXT,
    "ServiceName": TEXT,
    "ServiceTags": TEXTS,
    "Type": TEXT,
}
"""Of agent/checks, health/node, health/checks and health/state."""

ENTRY: Final[Schema] = {"Node": struct(NODE), "Service": struct(NODE_SERVICE), "Checks": structs(CHECK)}
"""Of health/service."""

MEMBER: Final[Schema] = {
    "Name": TEXT,
    "Addr": TEXT,
    "Port": INTEGER,
    "Tags": TEXT_MAP,
    "Status": INTEGER,
    "ProtocolMin": INTEGER,
    "ProtocolMax": INTEGER,
    "ProtocolCur": INTEGER,
    "DelegateMin": INTEGER,
    "DelegateMax": INTEGER,
    "DelegateCur": INTEGER,
}
"""Of agent/members. Consul 1.8 takes no filter there, though py-consul sends one; later versions do."""

INTENTION: Final[Schema] = {
    "ID": TEXT,
    "Description": TEXT,
    "SourceNS": TEXT,
    "SourceName": TEXT,
    "DestinationNS": TEXT,
    "DestinationName": TEXT,
    "SourceType": TEXT,
    "Action": TEXT,
    "Meta": TEXT_MAP,
    "Precedence": INTEGER,
}
"""Of connect/intentions, where nothing is ever listed."""

REGISTRATION: Final[Schema] = {
    "ID": TEXT,
    "ServiceName": TEXT,
    "Namespace": TEXT,
    "NodeID": TEXT,
    "Datacenter": TEXT,
    "JobID": TEXT,
    "AllocID": TEXT,
    "Tags": TEXTS,
    "Address": TEXT,
    "Port": INTEGER,
    "CreateIndex": INTEGER,
    "ModifyIndex": INTEGER,
}
"""Of Nomad's service/<name>."""
