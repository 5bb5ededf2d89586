"""Each state of the handshake with each input, on both sides."""

from collections.abc import Callable

import pytest

from protocol.error import InvalidRequest, MalformedMessage
from protocol.refusal import Refusal
from protocol.security.channel import FrameSealer, FrameType
from protocol.security.handshake import Initiator, Responder
from protocol.security.handshake_failure import HandshakeRefused
from protocol.security.handshake_state import INITIATOR_TABLE, OWN_ACTS, RESPONDER_TABLE, Event, State, Table
from protocol.security.hello import encode_refusal
from protocol.wire.framing import FrameBuffer, encode_frame
from tests.protocol.security.sample import make_initiator, make_responder

Side = Initiator | Responder
GARBAGE = encode_frame(b"garbage of more than sixteen bytes")


class Scene:
    """Two sides brought to where the tested one is in a given state."""

    def __init__(self, role: str) -> None:
        self.initiator, self.responder = make_initiator(), make_responder()
        self.side: Side = self.initiator if role == "initiator" else self.responder
        self.peer: Side = self.responder if role == "initiator" else self.initiator
        self.hello = b""
        """The hello that the peer sends."""

    def sealed(self, kind: FrameType, text: bytes = b"") -> bytes:
        """Give a frame as the peer would seal it next; garbage before there are keys."""
        if self.side._opener is None:
            return GARBAGE
        sealer = FrameSealer(self.side._opener._key)
        sealer._counter = self.side._opener._counter
        return sealer.seal(kind, text)

    def proof(self) -> bytes:
        """Give the peer's genuine proof."""
        if self.peer._opener is None:
            return GARBAGE
        signature = self.peer._identity.sign(self.peer._proof_text(self.peer._role))
        return self.sealed(FrameType.PROOF, signature)


def arrange(role: str, state: State) -> Scene:
    """Bring one side into a state, by honest means."""
    scene = Scene(role)
    side = scene.side
    if isinstance(side, Initiator):
        if state is State.IDLE:
            return scene
        answer = scene.responder.receive(side.start())
        frame = FrameBuffer().feed(answer)[0]
        scene.hello = encode_frame(frame)
        if state is State.HELLO_SENT:
            return scene
        side.receive(scene.hello)
    else:
        scene.hello = scene.initiator.start()
        if state is State.HELLO_AWAITED:
            return scene
        scene.initiator.receive(side.receive(scene.hello))
    steps: dict[State, tuple[Callable[[], bytes], ...]] = {
        State.PROOF_AWAITED: (),
        State.DECIDING: (scene.proof,),
        State.ACCEPTED: (scene.proof, side.accept),
        State.PEER_ACCEPTED: (scene.proof, lambda: scene.sealed(FrameType.ACCEPT)),
        State.ESTABLISHED: (scene.proof, side.accept, lambda: scene.sealed(FrameType.ACCEPT)),
        State.FAILED: (scene.proof, lambda: side.refuse(Refusal.NAME_IN_USE)),
    }
    for step in steps[state]:
        made = step()
        if step not in (side.accept,) and side.state not in (State.FAILED,):
            side.receive(made)
    return scene


def bring_about(scene: Scene, event: Event) -> None:
    """Let the event happen to the tested side."""
    side = scene.side
    match event:
        case Event.START:
            if isinstance(side, Initiator):
                side.start()
            else:
                side._step(event)
        case Event.ACCEPT:
            side.accept()
        case Event.REFUSE:
            side.refuse(Refusal.NAME_IN_USE)
        case Event.HEAR_HELLO:
            side.receive(scene.hello or GARBAGE)
        case Event.HEAR_CLEAR_REFUSAL:
            side.receive(encode_frame(encode_refusal(Refusal.BUSY)))
        case Event.HEAR_PROOF:
            side.receive(scene.proof())
        case Event.HEAR_ACCEPT:
            side.receive(scene.sealed(FrameType.ACCEPT))
        case Event.HEAR_REFUSE:
            side.receive(scene.sealed(FrameType.REFUSE, b"revoked"))
        case Event.FAULT:
            side.receive(GARBAGE)


INITIATOR_STATES = [state for state in State if state is not State.HELLO_AWAITED]
RESPONDER_STATES = [state for state in State if state not in (State.IDLE, State.HELLO_SENT)]
CASES = [("initiator", INITIATOR_TABLE, state, event) for state in INITIATOR_STATES for event in Event] + [
    ("responder", RESPONDER_TABLE, state, event) for state in RESPONDER_STATES for event in Event
]
DEAF = (State.IDLE, State.ESTABLISHED, State.FAILED)


@pytest.mark.parametrize(("role", "table", "state", "event"), CASES)
def test_handshake_does_what_its_table_says(role: str, table: Table, state: State, event: Event) -> None:
    """In each state each input leads where the table says, or is refused as bytes or as a request."""
    scene = arrange(role, state)
    assert scene.side.state is state
    after = table.get((state, event))
    if event in OWN_ACTS or state in DEAF:
        if after is None:
            with pytest.raises(InvalidRequest):
                bring_about(scene, event)
            assert scene.side.state is state
        else:
            bring_about(scene, event)
            assert scene.side.state is after
        return
    if after is None or event is Event.FAULT:
        with pytest.raises(MalformedMessage):
            bring_about(scene, event)
        assert scene.side.state is State.FAILED
    elif after is State.FAILED:
        with pytest.raises(HandshakeRefused) as refused:
            bring_about(scene, event)
        assert refused.value.by_peer
        assert scene.side.state is State.FAILED
    else:
        bring_about(scene, event)
        assert scene.side.state is after
    assert (scene.side.channel is not None) == (scene.side.state is State.ESTABLISHED)


@pytest.mark.parametrize(("table", "first"), [(INITIATOR_TABLE, State.IDLE), (RESPONDER_TABLE, State.HELLO_AWAITED)])
def test_handshake_tables_reach_all_and_end(table: Table, first: State) -> None:
    """From the first state all others of the table can be reached; two of them are ends."""
    reached = {first}
    for _ in State:
        reached |= {after for (state, _), after in table.items() if state in reached}
    named = {state for state, _ in table} | set(table.values())
    assert reached == named
    assert named - {state for state, _ in table} == {State.ESTABLISHED, State.FAILED}
