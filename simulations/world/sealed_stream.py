"""Streams of bytes: connecting, the real handshake, sealed frames in order, and the ways it ends.

What node/stream_link.py and node/stream_server.py do over TCP, without their tasks: what arrives waits in the
inbox of an end until its process reads it, and one alarm for each end stands for all its timeouts. Left out are
a peer that does not read (nothing waits to be sent) and the second that a refusal waits for its reader.
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from node.stream_link import LINGER_S, RECEIVED_MAX, TO_JUDGE
from node.stream_server import ACCEPTED_MAX, DIALLED_MAX, STREAM_LONGEST_S
from protocol.error import BadSignature, MalformedMessage
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.handshake import Initiator, Responder
from protocol.security.handshake_failure import HandshakeFailed, HandshakeRefused, OwnEcho
from protocol.security.hello import OwnHello
from protocol.security.identity import Entropy
from protocol.security.mute import MUTE_S
from protocol.swim.candidate import Candidate
from protocol.swim.effect import Dial, StreamClose, StreamSend, StreamVerdict
from protocol.wire.codec import decode_stream_message, encode_stream_message
from simulations.world.node import Node
from simulations.world.sealed_end import END, RESET, StreamEnd
from simulations.world.sealed_guard import Guard
from simulations.world.stream import REFUSED_S, claims_of

if TYPE_CHECKING:
    from simulations.world.world import World

Call = tuple[StreamEnd, Callable[[StreamEnd], None]]


class SealedStreams:
    """All ends of streams, by node and by that node's number for the stream."""

    def __init__(self, world: "World", guard_of: Callable[[Node], Guard], entropy: Entropy) -> None:
        self._world = world
        self._guard_of = guard_of
        self._entropy = entropy
        self._ends: dict[int, dict[int, StreamEnd]] = {}
        self.handshakes: Counter[str] = Counter()
        """How streams ended, at each end: `ok`, a refusal's value, `failed`, `displaced`, `unreachable`."""

    def count(self, node: Node) -> int:
        """Tell how many streams a node has that its engine has not closed."""
        return sum(1 for end in self._ends_of(node).values() if not end.finishing)

    def leave(self, node: Node) -> None:
        """Reset the streams of a process that ended."""
        for end in self._ends.pop(node.index, {}).values():
            self._send(end, RESET)

    def _ends_of(self, node: Node) -> dict[int, StreamEnd]:
        return self._ends.setdefault(node.index, {})

    def _holds(self, end: StreamEnd) -> bool:
        return self._ends_of(end.node).get(end.number) is end

    # --- connecting -----------------------------------------------------------------------------

    def dial(self, node: Node, effect: Dial) -> None:
        """Connect; what stands in its way is what a socket would say."""
        world, ends = self._world, self._ends_of(node)
        node.streams_dialled += 1
        end = StreamEnd(node, effect.stream, world.now, dialled=True, purpose=effect.purpose, wanted=effect.to)
        is_too_many = sum(other.dialled for other in ends.values()) >= DIALLED_MAX
        ends[effect.stream] = end
        self._give(end, node.settings.stream_timeout_s)
        world.schedule.plan(end.due, self._ring, end)
        host = world.host_at(effect.address)
        if is_too_many:
            self._hand_later(0.0, end, lambda it: self._fail(it, "this node dials as many streams as it may already"))
        elif host is None:
            self._hand_later(REFUSED_S, end, self._refuse_connection)
        elif not (world.network.is_cut(node, host) or world.network.is_cut(host, node)):  # else its alarm rings
            if world.node_at(effect.address) is None:
                self._hand_later(REFUSED_S, end, self._refuse_connection)
            else:
                delay_s = world.network.stream_delay_s(node, host)
                if delay_s is not None:
                    world.schedule.plan(world.now + delay_s, self._connect, (end, effect))

    def _connect(self, arrived: tuple[StreamEnd, Dial]) -> None:
        """Accept as a kernel does: the process may be stalled, or be gone by now."""
        end, effect = arrived
        world, target = self._world, self._world.node_at(effect.address)
        if not self._holds(end):
            return
        if target is None:
            self._hand_later(REFUSED_S, end, self._refuse_connection)
            return
        far = StreamEnd(target, target.engine.new_stream(), world.now, dialled=False, far=end)
        end.far = far
        self._ends_of(target)[far.number] = far
        self._hand((far, self._accept))
        delay_s = world.network.stream_delay_s(target, end.node)
        if delay_s is not None:
            end.arrives_at = world.now + delay_s
            self._hand_later(delay_s, end, self._greet)

    def _refuse_connection(self, end: StreamEnd) -> None:
        if self._holds(end):
            self._fail_refused(end)

    def _greet(self, end: StreamEnd) -> None:
        guard = self._guard_of(end.node)
        hello = _own_hello(end.node, end.purpose)
        end.machine = Initiator(guard.identity, guard.keyring, hello, self._entropy, end.wanted)
        self._give(end, end.node.settings.stream_timeout_s)
        self._send(end, end.machine.start())

    def _accept(self, end: StreamEnd) -> None:
        guard, world = self._guard_of(end.node), self._world
        accepted = [other for other in self._ends_of(end.node).values() if not other.dialled and other.machine]
        busy = len(accepted) >= ACCEPTED_MAX and not self._displace(accepted)
        hello = _own_hello(end.node, None)
        end.machine = Responder(guard.identity, guard.keyring, hello, self._entropy, busy=busy)
        end.began_at = world.now
        self._give(end, end.node.settings.stream_timeout_s)
        world.schedule.plan(end.due, self._ring, end)
        self._read(end)

    def _displace(self, accepted: list[StreamEnd]) -> bool:
        """End the oldest accepted stream whose peer may be anybody; False if there is none."""
        stranger = next((end for end in accepted if not end.proven), None)
        if stranger is None:
            return False
        self.handshakes["displaced"] += 1
        self._end(stranger, "the stream took too long")
        return True

    # --- the pipe -------------------------------------------------------------------------------

    def _send(self, end: StreamEnd, data: bytes | None) -> None:
        """Let bytes, an end or a reset travel behind all that was sent before; what is lost loses the rest."""
        far = end.far
        if far is None or far.is_cut_off:
            return
        delay_s = self._world.network.stream_delay_s(end.node, far.node)
        if delay_s is None:
            far.is_cut_off = True
            return
        far.arrives_at = max(far.arrives_at, self._world.now + delay_s)
        self._world.schedule.plan(far.arrives_at, self._arrive, (far, data))

    def _arrive(self, arrived: tuple[StreamEnd, bytes | None]) -> None:
        end, data = arrived
        if self._holds(end):
            end.inbox.append(data)
            self._hand((end, self._read))
        elif data and end.far is not None and self._holds(end.far):
            self._send(end, RESET)  # nobody is there for it

    def _hand(self, call: Call) -> None:
        """Let a process act, once it can, if the stream is still there then."""
        end, handler = call
        if self._holds(end):
            if end.node.is_stalled(self._world.now):
                end.node.backlog.append((self._hand, call))
            else:
                handler(end)

    def _hand_later(self, delay_s: float, end: StreamEnd, handler: Callable[[StreamEnd], None]) -> None:
        self._world.schedule.plan(self._world.now + delay_s, self._hand, (end, handler))

    def _read(self, end: StreamEnd) -> None:
        """Take what waits, in order; while the engine judges the peer nothing is read."""
        while end.inbox and end.machine is not None and not end.is_judged and self._holds(end):
            data = end.inbox.popleft()
            if data and end.is_open:
                self._converse(end, data)
            elif data:
                self._shake(end, end.machine, data)
            elif end.is_open and end.finishing:
                self._drop(end)
            elif end.is_open:
                self._end(end, "the connection broke" if data is RESET else "the stream was cut off")
            else:
                how = "broke" if data is RESET else "closed"
                self._end(end, f"the peer {how} the connection during the handshake")

    # --- the handshake --------------------------------------------------------------------------

    def _shake(self, end: StreamEnd, machine: Initiator | Responder, data: bytes) -> None:
        try:
            reply = machine.receive(data)
        except HandshakeFailed as failed:
            self._send_if_any(end, failed.reply)
            refusal = failed.reason if isinstance(failed, HandshakeRefused) else None
            self._end(end, str(failed), refusal, own_echo=isinstance(failed, OwnEcho))
            return
        except MalformedMessage as wrong:
            self._end(end, f"the peer does not speak Shoal's protocol: {wrong}")
            return
        self._send_if_any(end, reply)
        self._go_on(end, machine)

    def _send_if_any(self, end: StreamEnd, data: bytes) -> None:
        if data:
            self._send(end, data)

    def _go_on(self, end: StreamEnd, machine: Initiator | Responder) -> None:
        peer = machine.peer
        if peer is None:
            return
        if machine.channel is not None:
            self._open(end, machine)
        elif machine.state in TO_JUDGE:
            end.proven = end.is_judged = True
            purpose = peer.purpose or end.purpose or Purpose.SYNC
            candidate = Candidate(peer.id, peer.public_key, peer.name, peer.license_id, peer.address, purpose)
            now = end.node.now(self._world.now)
            effects = end.node.engine.handle_stream_proposed(now, end.number, candidate, dialled=end.dialled)
            self._world.do(end.node, "stream", effects)

    def decide(self, node: Node, effect: StreamVerdict) -> None:
        """Take the engine's verdict; the stream goes on once its effects are carried out."""
        end = self._ends_of(node).get(effect.stream)
        if end is not None and end.is_judged and not end.finishing:
            end.verdict = effect.refusal
            self._hand_later(0.0, end, self._obey)

    def _obey(self, end: StreamEnd) -> None:
        machine = end.machine
        if machine is None:
            return
        if end.verdict is not None:
            self._send(end, machine.refuse(end.verdict))
            self._end(end, end.verdict.sentence, end.verdict)
            return
        end.is_judged = False
        self._send(end, machine.accept())
        self._go_on(end, machine)
        self._read(end)

    def _open(self, end: StreamEnd, machine: Initiator | Responder) -> None:
        peer = machine.peer
        if peer is None:
            return
        is_forgotten, end.is_open = end.finishing, True
        now = end.node.now(self._world.now)
        effects = end.node.engine.handle_stream_opened(now, end.number, peer.id, peer.purpose)
        self._world.do(end.node, "stream", effects)
        if is_forgotten:
            self._say_goodbye(end)
        self._converse(end, b"")

    # --- talking --------------------------------------------------------------------------------

    def say(self, node: Node, effect: StreamSend) -> None:
        """Seal a message and send it."""
        end = self._ends_of(node).get(effect.stream)
        if end is not None and end.channel is not None and not end.finishing:
            self._send(end, end.channel.seal(encode_stream_message(effect.message)))

    def _converse(self, end: StreamEnd, data: bytes) -> None:
        """Take bytes behind the handshake; the first time none, for some may have come with it."""
        channel = end.channel
        if channel is None:
            return
        self._give(end, end.node.settings.stream_timeout_s)
        end.received += len(data)
        if end.received > RECEIVED_MAX:
            self._end(end, f"the peer sent over {RECEIVED_MAX} bytes")
            return
        try:
            texts = channel.receive(data)
        except MalformedMessage as wrong:
            self._end(end, f"the peer broke the protocol: {wrong}")
            return
        for text in texts:
            if self._holds(end):
                self._hear(end, text)
        if channel.closed_by_peer and self._holds(end):
            if end.finishing:
                self._drop(end)
            else:
                self._end(end, "the peer closed the stream")

    def _hear(self, end: StreamEnd, text: bytes) -> None:
        world, node, guard = self._world, end.node, self._guard_of(end.node)
        now = node.now(world.now)
        try:
            message = decode_stream_message(text, guard.verifier.open_statement)
            effects = node.engine.handle_stream_message(now, end.number, message)
        except MalformedMessage as wrong:
            self._end(end, f"the peer broke the protocol: {wrong}")
            return
        except BadSignature as wrong:
            if end.machine is not None and end.machine.peer is not None:
                guard.gate.mute(end.machine.peer.id, now + MUTE_S)
                world.convict(node, end.machine.peer.id)
            self._end(end, f"the peer sent a false statement: {wrong}")
            return
        world.do(node, "stream", effects, claims_of(message), message)

    # --- ending ---------------------------------------------------------------------------------

    def hang_up(self, node: Node, effect: StreamClose) -> None:
        """Say that this is all, and close, behind what was said before."""
        end = self._ends_of(node).get(effect.stream)
        if end is not None and not end.finishing:
            end.finishing = True
            if end.is_open:
                self._say_goodbye(end)

    def _say_goodbye(self, end: StreamEnd) -> None:
        if end.channel is not None:
            self._send(end, end.channel.close())
        self._send(end, END)
        self._world.schedule.plan(self._world.now + LINGER_S, self._drop, end)

    def _drop(self, end: StreamEnd) -> None:
        """Forget an end whose work is done."""
        if self._holds(end):
            self.handshakes["ok"] += 1
            del self._ends_of(end.node)[end.number]

    def _fail(self, end: StreamEnd, reason: str) -> None:
        """Tell the engine that it could not be connected."""
        self.handshakes["unreachable"] += 1
        self._report(end, reason, None, own_echo=False)

    def _fail_refused(self, end: StreamEnd) -> None:
        """Tell the engine that nobody listens there."""
        self.handshakes["unreachable"] += 1
        node = end.node
        del self._ends_of(node)[end.number]
        effects = node.engine.handle_port_refused(node.now(self._world.now), end.number, "connection refused")
        self._world.do(node, "stream", effects)

    def _end(self, end: StreamEnd, reason: str, refusal: Refusal | None = None, *, own_echo: bool = False) -> None:
        """Close an end before its work was done, and tell its engine why."""
        if not self._holds(end):
            return
        self.handshakes[refusal.value if refusal else "ok" if end.is_open else "failed"] += 1
        self._send(end, END)
        self._report(end, reason, refusal, own_echo=own_echo)

    def _report(self, end: StreamEnd, reason: str, refusal: Refusal | None, *, own_echo: bool) -> None:
        node = end.node
        del self._ends_of(node)[end.number]
        now = node.now(self._world.now)
        effects = node.engine.handle_stream_closed(now, end.number, refusal, reason, own_echo=own_echo)
        self._world.do(node, "stream", effects)

    # --- time -----------------------------------------------------------------------------------

    def _give(self, end: StreamEnd, timeout_s: float) -> None:
        """Let an end wait so long for what comes next, but not beyond a stream's longest life."""
        end.due = min(self._world.now + timeout_s, end.began_at + STREAM_LONGEST_S)

    def _ring(self, end: StreamEnd) -> None:
        """End what waited too long; timers of a process whose messages are blocked run on."""
        if not self._holds(end):
            return
        now, paused_until = self._world.now, end.node.paused_until
        if now < paused_until:
            end.node.backlog.append((self._ring, end))
        elif now < end.due:
            self._world.schedule.plan(end.due, self._ring, end)
        elif end.machine is None:
            self._fail(end, "timed out")
        elif now >= end.began_at + STREAM_LONGEST_S:
            self._end(end, "the stream took too long")
        else:
            timeout_s = end.node.settings.stream_timeout_s
            what = "was silent for" if end.is_open else "did not finish the handshake within"
            self._end(end, f"the peer {what} {timeout_s:g} s")


def _own_hello(node: Node, purpose: Purpose | None) -> OwnHello:
    profile = node.engine.local.profile
    return OwnHello(profile.name, profile.license_id, profile.address, purpose)
