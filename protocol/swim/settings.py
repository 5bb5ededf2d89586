"""Every knob of the engine, with the field's reference values (memberlist's profiles)."""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

ProfileName = Literal["lan", "wan", "local"]

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How fast, how patient and how talkative a node is. Times are seconds.

    All members of a cluster should share one profile: a node with a shorter suspicion than the others'
    accusations allow for will be the first to see failures, and the first to be wrong.
    """

    profile: ProfileName
    probe_interval_s: float
    """One member is probed per interval. Shorter finds failures sooner; bytes and CPU grow in proportion."""
    probe_timeout_s: float
    """How long a direct ping may take before relays are asked. Must be above the 99th percentile of the
    network's round trip and below the interval."""
    indirect_probes: int
    """k, the relays asked. More survive more loss; each costs four datagrams in a failing probe."""
    suspicion_alpha: int
    """Scales the shortest suspicion: alpha * max(1, log10 n) * interval. 4 is reasonable; 2 is hasty."""
    suspicion_beta: int
    """The longest suspicion, as a multiple of the shortest (Lifeguard, section 4.2)."""
    retransmit_mult: int
    """Each rumor is sent mult * ceil(log10(n + 1)) times by each member."""
    gossip_interval_s: float
    """Pause between two rounds of gossip; no round runs while nothing is queued."""
    gossip_fanout: int
    """Members spoken to per round."""
    gossip_to_failed_s: float
    """How long a failed member still gets gossip: it may be alive behind a one-way fault."""
    sync_interval_s: float
    """Base period of the slow sync; grows with log2 n above 32 members."""
    stream_timeout_s: float
    """Longest wait for a stream to open and to shake hands."""
    awareness_max: int = 8
    """Scores are 0 to awareness_max - 1; intervals and timeouts stretch by score + 1 (Lifeguard, 4.1)."""
    reap_after_s: float = DAY_S
    """How long failed and left members stay on the list. They stay in the address book beyond it."""

    lha_probe: bool = True
    """Local health scales probe interval and timeout (the paper scales both; memberlist the interval)."""
    lha_suspicion: bool = True
    """Suspicion starts at its longest and shrinks with confirmations; off: always the shortest."""
    buddy: bool = True
    """A ping to an accused member brings the accusation, and a ping from one is answered with it."""
    stream_fallback: bool = True
    """A failing probe tries a stream as its last word (memberlist's TCP fallback)."""
    second_look: bool = True
    """Before a verdict each node pings the suspect itself, with what it is accused of, so late that the
    verdict is not delayed; who answers is not held failed. Ours beyond SWIM and Lifeguard; off in the
    paper's configurations. Costs one datagram per node and failure."""
    own_look: bool = True
    """A member that hears an accusation asks the suspect itself at once, and waits 0.6 of the shortest suspicion for
    one whose port refuses, seen by itself and through a relay. Ours beyond SWIM and Lifeguard; see `swim.look`."""

    early_probe: bool = True
    """A ping that is answered begins this interval's probe, too: one wake-up of an idle process for both. Ours; off in
    the paper's configurations."""

    coordinates: bool = False
    """Answered probes move this node's network coordinate (Vivaldi), by which others are sorted by their distance.
    A node turns it on; it takes some 30 us per probe."""

    license_id: str = ""
    """Records under another license are not admitted; empty is the open license."""
    seats: int | None = None
    """Members a license allows, failed ones counted until they are reaped or left; None: no license says."""
    members_max: int = 16_384
    """Members that may be alive at once: what one process was sized for."""

    @classmethod
    def lan(cls, **changes: Any) -> Self:
        """Give the profile for one data centre."""
        base = cls(
            profile="lan",
            probe_interval_s=1.0,
            probe_timeout_s=0.5,
            indirect_probes=3,
            suspicion_alpha=4,
            suspicion_beta=6,
            retransmit_mult=4,
            gossip_interval_s=0.2,
            gossip_fanout=3,
            gossip_to_failed_s=30.0,
            sync_interval_s=30.0,
            stream_timeout_s=10.0,
        )
        return replace(base, **changes)

    @classmethod
    def wan(cls, **changes: Any) -> Self:
        """Give the profile for members in different places."""
        base = cls(
            profile="wan",
            probe_interval_s=5.0,
            probe_timeout_s=3.0,
            indirect_probes=3,
            suspicion_alpha=6,
            suspicion_beta=6,
            retransmit_mult=4,
            gossip_interval_s=0.5,
            gossip_fanout=4,
            gossip_to_failed_s=60.0,
            sync_interval_s=60.0,
            stream_timeout_s=30.0,
        )
        return replace(base, **changes)

    @classmethod
    def local(cls, **changes: Any) -> Self:
        """Give the profile for processes on one machine."""
        base = cls(
            profile="local",
            probe_interval_s=1.0,
            probe_timeout_s=0.2,
            indirect_probes=1,
            suspicion_alpha=3,
            suspicion_beta=6,
            retransmit_mult=2,
            gossip_interval_s=0.1,
            gossip_fanout=3,
            gossip_to_failed_s=15.0,
            sync_interval_s=15.0,
            stream_timeout_s=1.0,
        )
        return replace(base, **changes)
