"""The Trio shell around the protocol: sockets, files, configuration, command line.

A program embeds a node with two names:

    from node import Config, open_node

    async with open_node(Config.lan(name="n1", join=["10.0.0.1"])) as me:
        print([member.record.name for member in me.members()])

Reading order: `config` and `setting` (what a node is told), `state` and `store` (what it remembers), `driver`
(the engine on Trio), `datagram_socket`, `stream_server` and `stream_link` (how it speaks), `node` and `open`
(the whole), `agent` (the process with HTTP and signals), `cli` (the command `shoal`).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from node.config import Config as Config
    from node.node import Node as Node
    from node.open import open_node as open_node

__all__ = ["Config", "Node", "open_node"]

_HOMES = {"Config": "node.config", "Node": "node.node", "open_node": "node.open"}


def __getattr__(name: str) -> Any:
    """Import on first use: `shoal members` must not pay for a node."""
    if name not in _HOMES:
        raise AttributeError(f"module 'node' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
