"""What theory says of a cluster of n members: the values that measured curves are held against.

    first suspicion   e/(e-1) probe intervals in the limit (SWIM, section 3.1)
    verdict           and alpha * max(1, log10 n) probe intervals, Lifeguard's shortest suspicion
    dissemination     2 ln n / fan-out rounds of gossip (SWIM, section 4.1)
    idle              a ping and an ack per member and probe interval, a sync per member and ten sync periods

Times are seconds on average over many deaths or changes; one alone may take twice as long, or next to nothing.
"""

from math import log

from protocol.security.datagram import SEALED_OVERHEAD
from protocol.swim.settings import Settings
from protocol.swim.stream import AGREED_SKIPS_MAX, sync_period_s
from protocol.swim.suspicion import suspicion_shortest_s
from protocol.wire.codec import encode_packet
from protocol.wire.message import Ack, Packet, Ping

DATAGRAM_HEADERS_SIZE = 28
"""IPv4 and UDP."""
SEGMENT_HEADERS_SIZE = 52
"""IPv4 and TCP with its time stamps."""
SYNC_SEGMENTS = 18
"""From SYN to the last ACK, both ways, of a sync that finds equal views: counted on Linux's loopback."""
SYNC_PAYLOAD_SIZE = 779
"""Both ways, handshake included, however many members there are: `python -m benchmarks micro --only sync`."""
SYNC_SIZE = SYNC_PAYLOAD_SIZE + SYNC_SEGMENTS * SEGMENT_HEADERS_SIZE

_LARGEST_PING = Packet((Ping(2**32 - 1),))
_LARGEST_ACK = Packet((Ack(2**32 - 1, 2**64 - 1),))
"""Random numbers rarely take fewer bytes."""


def datagram_size(packet: Packet) -> int:
    """Give the bytes of a sealed datagram, from its IP header on."""
    return DATAGRAM_HEADERS_SIZE + SEALED_OVERHEAD + len(encode_packet(packet))


def first_suspicion_s(nodes: int, settings: Settings) -> float:
    """Expect this from a member's death until another accuses it: the probe intervals until it is somebody's turn.

    In one interval each of the n - 1 others asks one of its n - 1 at random, so that the dead member is asked with the
    share 1 - (1 - 1/(n-1))^(n-1), which falls to 1 - 1/e as n grows.
    """
    others = nodes - 1
    asked_share = 1.0 - (1.0 - 1.0 / others) ** others
    return settings.probe_interval_s / asked_share


def dissemination_s(nodes: int, settings: Settings) -> float:
    """Expect this until all of n members have heard of a change.

    SWIM's epidemic: with b contacts per member and round, all but n^(2 - b * lambda) have heard after lambda * ln n
    rounds. That is one member where lambda is 2 / b; b is gossip's fan-out, and probes carry rumors beside it.
    """
    return settings.gossip_interval_s * 2.0 * log(nodes) / settings.gossip_fanout


def first_verdict_s(nodes: int, settings: Settings) -> float:
    """Expect this from a member's death until the first of the others holds it failed."""
    shortest_s = suspicion_shortest_s(settings.suspicion_alpha, nodes, settings.probe_interval_s)
    return first_suspicion_s(nodes, settings) + shortest_s


def last_verdict_s(nodes: int, settings: Settings) -> float:
    """Expect this until the last of them does: each waits for itself, from when it heard the accusation on."""
    return first_verdict_s(nodes, settings) + dissemination_s(nodes, settings)


def idle_syncs_per_s(nodes: int, settings: Settings) -> float:
    """Give how many syncs a member begins in a second while all agree: of ten slow syncs one goes through."""
    return 1.0 / ((AGREED_SKIPS_MAX + 1) * sync_period_s(settings.sync_interval_s, nodes))


def idle_bytes_per_s(nodes: int, settings: Settings) -> float:
    """Give what a member sends in a second while nothing changes, from the IP header on."""
    probe_size = datagram_size(_LARGEST_PING) + datagram_size(_LARGEST_ACK)
    return probe_size / settings.probe_interval_s + SYNC_SIZE * idle_syncs_per_s(nodes, settings)


def idle_packets_per_s(nodes: int, settings: Settings) -> float:
    """Give how many packets those are: datagrams, and the segments of syncs."""
    return 2.0 / settings.probe_interval_s + SYNC_SEGMENTS * idle_syncs_per_s(nodes, settings)
