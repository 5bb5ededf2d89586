"""What a node's shell does with what is neither sent nor dialled: it writes to the disk, or tells listeners."""

from typing import assert_never

from protocol.swim.effect import (
    Changed,
    Cloned,
    Dial,
    Effect,
    Expelled,
    FactTaken,
    ForgetContact,
    JoinEnded,
    KeyringReceived,
    LeaveEnded,
    PersistContact,
    PersistPresence,
    PersistReserve,
    RevocationTaken,
    Send,
    StartRaised,
    SteppedDown,
    StreamClose,
    StreamSend,
    StreamVerdict,
)
from simulations.world.node import Node


def keep(node: Node, effect: Effect) -> None:
    """Keep what a shell would write down or tell.

    Raises:
        TypeError: the effect is for a transport.
    """
    match effect:
        case Changed(change):
            node.changes.append(change)
        case JoinEnded():
            node.joins.append(effect)
        case PersistReserve(incarnation):
            node.disk.reserve = incarnation
        case PersistContact(contact):
            node.disk.contacts[contact.id] = contact
        case ForgetContact(id):
            node.disk.contacts.pop(id, None)
        case PersistPresence(left):
            node.disk.left = left
        case LeaveEnded():
            node.leave_ended = True
        case Cloned():
            node.cloned = True
        case RevocationTaken(revocation):
            node.disk.revocations[revocation.subject] = revocation
        case Expelled() | SteppedDown():
            node.refusals.append(effect)
        case FactTaken():
            pass  # it is on the list
        case Send() | Dial() | StreamVerdict() | StreamSend() | StreamClose() | KeyringReceived() | StartRaised():
            raise TypeError(f"{type(effect).__name__} is the transport's")
        case _:
            assert_never(effect)
