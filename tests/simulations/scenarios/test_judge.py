"""Each judge finds what is wrong: in runs whose account was made false, and in those of an engine that was broken."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from protocol.swim.candidate import Candidate, Doorkeeper
from protocol.swim.core import Core
from protocol.swim.effect import ChangeKind, JoinEnded, StreamVerdict
from protocol.swim.local import LocalMember
from protocol.swim.membership import Membership
from simulations.deed import Leave, Stutter
from simulations.result import Detection
from simulations.run import Run
from simulations.scenarios import SCENARIOS
from simulations.scenarios.account import done
from simulations.scenarios.partition_heal import sides
from simulations.world import Node
from tests.simulations.scenarios.finished import carry_out, delay, pairs, revive, tell_falsely, unsay, verdict

Doctor = Callable[[Run], None]
FAILED, SUSPECT, LEAVE = ChangeKind.FAILED, ChangeKind.SUSPECT, ChangeKind.LEAVE


def tell(kind: ChangeKind, observer: int, subject: int) -> Doctor:
    """Let one have told something about another."""
    return lambda run: tell_falsely(run, run.nodes[observer], run.nodes[subject], kind)


def silence(*kinds: ChangeKind) -> Doctor:
    """Let nobody have told some kinds of changes."""
    return lambda run: unsay(run, *kinds)


def count(name: str) -> Doctor:
    """Let something have been counted once."""
    return lambda run: run.recorder.counts.update({name: 1})


def converge_late(run: Run) -> None:
    """Let all have agreed only after a minute."""
    run.converged_s = 60.0


def detect_late(run: Run) -> None:
    """Let the end of a process have been noticed after an hour."""
    run.recorder.detections[:] = [Detection(d.subject, d.observer, 3_600.0) for d in run.recorder.detections]


def fail_joins(run: Run) -> None:
    """Let every join have ended without a peer."""
    for node in run.nodes:
        node.joins[:] = [JoinEnded(1, None, None, "timed out")]


def age_records(run: Run) -> None:
    """Let all hold records of earlier starts."""
    for observer, subject in pairs(run):
        member = observer.engine.membership.get(subject.id)
        if member is not None:
            old = replace(member.record, raw=b"old", start=member.record.start ^ 1)
            member.entry = replace(member.entry, record=old)


def fall_back(run: Run) -> None:
    """Let everybody be back at incarnation 1."""
    for node in run.nodes:
        node.engine.local.incarnation = 1


def clone(run: Run) -> None:
    """Let all have taken themselves for copies."""
    for node in run.nodes:
        node.cloned = True


def chatter(run: Run) -> None:
    """Let one have sent ten thousand datagrams more."""
    run.nodes[0].sent += 10_000


def idle(run: Run) -> None:
    """Let one have made no probe."""
    run.nodes[1].engine.counters.probes = 0


def sync_more(run: Run) -> None:
    """Let one have begun a hundred syncs more."""
    run.nodes[0].engine.counters.syncs += 100


def stall(run: Run) -> None:
    """Let one have believed that it stood still."""
    run.nodes[0].engine.counters.stalls += 1


def hold_another_key(run: Run) -> None:
    """Let one member hold a key that no other has."""
    keyring = run.world.transport.keyring(run.members[0])
    if keyring is not None:
        keyring.add(b"k" * 32, 1)


def refuse_for_nothing(run: Run) -> None:
    """Let the newcomer have been given no reason."""
    for node in run.nodes[run.plan.nodes :]:
        node.joins[:] = [JoinEnded(1, None, None, "timed out")]


def end_newcomers(run: Run) -> None:
    """Let no newcomer run."""
    for node in run.nodes[run.plan.nodes :]:
        node.running = False


def lose_newcomer(run: Run) -> None:
    """Let one newcomer never have been started."""
    run.nodes.pop()


def forget_use(run: Run) -> None:
    """Let no key have been put in use."""
    run.recorder.counts["key-use"] = 0


CUT_HOUR = {"cut_s": "3600"}
DOCTORED: list[tuple[str, int, int, dict[str, str], Doctor, str]] = [
    ("address_reuse", 1, 6, {}, end_newcomers, "did not stay"),
    ("bootstrap", 1, 6, {}, count("suspicions"), "where nothing was wrong"),
    ("bootstrap", 1, 6, {}, converge_late, "all saw all only 60.0 s after"),
    ("bootstrap", 1, 6, {}, fail_joins, "did not join: timed out"),
    ("clock_jump", 5, 6, {}, clone, "took its own past for a copy"),
    ("clock_jump", 5, 6, {}, age_records, "of an earlier start"),
    ("crash", 1, 6, {}, revive, "does not hold"),
    ("crash", 1, 6, {}, detect_late, "was noticed after 3600.0 s"),
    ("crash", 1, 6, {}, tell(SUSPECT, 0, 1), "though nothing was wrong with it"),
    ("graceful_leave", 1, 6, {}, revive, "which left"),
    ("graceful_leave", 1, 6, {}, lambda run: delay(run, LEAVE, 100.0), "s after it that"),
    ("join_storm", 1, 5, {}, fail_joins, "never joined: timed out"),
    ("join_storm", 1, 5, {}, lose_newcomer, "joined 5"),
    ("key_rotation", 1, 4, {}, hold_another_key, "hold different keys"),
    (
        "key_rotation",
        1,
        4,
        {},
        forget_use,
        "did not get as far as key-use",
    ),
    ("mass_crash", 1, 6, {}, revive, "failed"),
    ("mass_restart", 1, 6, {}, age_records, "of an earlier start"),
    ("mass_restart", 1, 6, {}, fall_back, "below its start"),
    ("partition_heal", 1, 5, CUT_HOUR, silence(FAILED), "never held"),
    ("partition_heal", 1, 5, CUT_HOUR, silence(ChangeKind.JOIN), "was never told that"),
    ("rolling_restart", 1, 5, {}, silence(ChangeKind.RESTART, ChangeKind.JOIN), "was never told that"),
    ("rolling_restart", 1, 5, {}, age_records, "of an earlier start"),
    ("steady", 1, 6, {}, count("suspicions"), "1 suspicions"),
    ("steady", 1, 6, {}, chatter, "datagrams in 60 s, at most"),
    ("steady", 1, 6, {}, idle, "made 0 probes"),
    ("steady", 1, 6, {}, sync_more, "syncs in 60 s, at most"),
    ("steady", 1, 6, {}, stall, "stalls of its own, and had none"),
]


@pytest.mark.parametrize(("name", "seed", "nodes", "options", "doctor", "wrong"), DOCTORED)
def test_judge_sees_a_false_account(
    name: str, seed: int, nodes: int, options: dict[str, str], doctor: Doctor, wrong: str
) -> None:
    """It finds nothing in the run as it was, and what was falsified in it."""
    run = carry_out(name, seed, nodes, options)
    assert verdict(run) == ""
    doctor(run)
    assert wrong in verdict(run)


def seed_of(name: str, nodes: int, *deeds: str) -> int:
    """Find a seed whose plan has deeds of these kinds, and no others."""
    for seed in range(1, 100):
        plan = SCENARIOS[name].plan(seed, nodes)
        if {type(planned.deed).__name__ for planned in plan.deeds} == set(deeds):
            return seed
    raise LookupError(name)


NAME_STORIES: list[tuple[tuple[str, ...], Doctor, str]] = [
    (("Start",), refuse_for_nothing, "not that its name was in use"),
    (("Start",), lambda run: tell_on_holder(run, LEAVE), "whose name somebody wanted"),
    (("Crash", "Start"), revive, "holds the former"),
    (("Crash", "Start"), end_newcomers, "though the holder of its name was dead"),
    (("Cut", "Start"), silence(ChangeKind.CONFLICT), "was never told that two members are called"),
]


def tell_on_holder(run: Run, kind: ChangeKind) -> None:
    """Let one have told something of the member whose name the newcomer wanted."""
    holder = next(node for node in run.nodes if node.name == run.nodes[-1].name)
    observer = next(node for node in run.members if node is not holder)
    tell_falsely(run, observer, holder, kind)


@pytest.mark.parametrize(("deeds", "doctor", "wrong"), NAME_STORIES)
def test_name_reuse_sees_a_false_account(deeds: tuple[str, ...], doctor: Doctor, wrong: str) -> None:
    """In each of its stories."""
    run = carry_out("name_reuse", seed_of("name_reuse", 6, *deeds), 6)
    doctor(run)
    assert wrong in verdict(run)


def test_name_reuse_sees_the_wrong_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that lets the younger id keep a name is found out."""
    run = carry_out("name_reuse", seed_of("name_reuse", 6, "Cut", "Start"), 6)
    assert verdict(run) == "" or "was never told" in verdict(run)
    monkeypatch.setattr(Membership, "shown_name", lambda self, member: member.record.name)
    assert "shows the other" in verdict(run)


def test_name_reuse_sees_a_door_that_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that lets anybody in under a used name is found out."""

    def let_in(self: Doorkeeper, now: float, stream: int, candidate: Candidate, *, dialled: bool) -> None:
        self._core.emit(StreamVerdict(stream, None))

    monkeypatch.setattr(Doorkeeper, "judge", let_in)
    run = carry_out("name_reuse", seed_of("name_reuse", 6, "Start"), 6)
    assert "whose name was in use" in verdict(run)


def test_address_reuse_sees_a_dead_member_held_alive() -> None:
    """Where the dead does not return."""
    run = carry_out("address_reuse", seed_of("address_reuse", 6, "Crash", "Start"), 6)
    revive(run)
    assert "which is dead" in verdict(run)


def test_asymmetric_link_sees_a_suspicion_because_of_one_link() -> None:
    """One link is no reason for any."""
    seed = next(s for s in range(1, 50) if len(SCENARIOS["asymmetric_link"].plan(s, 6).deeds) == 2)
    run = carry_out("asymmetric_link", seed, 6)
    assert verdict(run) == ""
    run.recorder.counts["suspicions"] = 1
    assert "because of one link" in verdict(run)


def test_clock_jump_sees_an_accusation() -> None:
    """An engine that accuses whom it probes is found out."""
    run = carry_out("clock_jump", 1, 6)
    assert verdict(run) == ""
    for observer, subject in pairs(run):
        member = observer.engine.membership.get(subject.id)
        if member is not None:
            observer.engine.core.note(observer.now(run.world.now), member, "probe-failed")
    assert "which ran all the time" in verdict(run)


def test_graceful_leave_sees_a_leaver_held_failed() -> None:
    """Even if it was for a moment."""
    run = carry_out("graceful_leave", 1, 6)
    leaver = next(deed.concerns[0] for _, deed in done(run, Leave))
    tell_falsely(run, next(node for node in run.members if node.index != leaver), run.nodes[leaver], FAILED)
    assert "which left" in verdict(run)


def test_rolling_restart_sees_a_leave_that_was_not_told() -> None:
    """Everybody who ran is told of each goodbye."""
    run = carry_out("rolling_restart", seed_of("rolling_restart", 4, "Leave", "Restart"), 4)
    assert verdict(run) == ""
    unsay(run, LEAVE)
    assert "was never told that" in verdict(run)


def test_partition_heal_sees_a_failure_on_ones_own_side() -> None:
    """Whom no cut came between."""
    run = carry_out("partition_heal", 1, 5, CUT_HOUR)
    side = sorted(sides(run)[0])
    tell_falsely(run, run.nodes[side[0]], run.nodes[side[1]], FAILED)
    assert "which was on its own side" in verdict(run)


def test_partition_heal_sees_a_list_that_is_never_shortened() -> None:
    """After the reap time whoever is gone is off the list."""
    run = carry_out("partition_heal", 1, 4, CUT_HOUR)
    run.settings = replace(run.settings, reap_after_s=1_000.0)
    assert "off its list" in verdict(run)


@pytest.mark.parametrize("name", ["slow_member", "stalled_process"])
def test_judge_sees_an_engine_that_believes_its_late_timers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the engine's look at its own lateness, and with nothing read on waking, who wakes accuses the healthy."""
    settings = {"second_look": False, "own_look": False}

    def found() -> list[str]:
        runs = (carry_out(name, seed, 8, settings=settings, typical_s=0.15, longest_s=0.3) for seed in range(1, 17))
        return [text for text in map(verdict, runs) if text]

    assert found() == []
    monkeypatch.setattr(Core, "observe", lambda self, now: None)
    monkeypatch.setattr(Node, "keep", lambda self, queue, arrival: None)
    assert found()


def test_slow_member_sees_a_verdict_that_is_never_reached() -> None:
    """A slow member's verdict follows those of the others at its pace."""
    run = carry_out("slow_member", seed_of("slow_member", 8, "Crash", "Stutter"), 8)
    slow = {f"n{deed.concerns[0]}" for _, deed in done(run, Stutter)}
    run.recorder.detections[:] = [
        Detection(d.subject, d.observer, 100_000.0 if d.observer in slow else d.after_s)
        for d in run.recorder.detections
    ]
    assert "others within" in verdict(run)


def test_udp_blocked_sees_an_engine_without_streams() -> None:
    """Where no stream is the last word, who is blocked is suspected."""
    run = carry_out("udp_blocked", 1, 6, settings={"stream_fallback": False})
    assert "whose streams answer" in verdict(run)


@pytest.mark.parametrize("name", ["lossy_links", "flip_flop", "join_storm"])
def test_spared_members_are_missed_where_nobody_refutes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that takes accusations for granted, and looks no second time, has healthy members held failed."""
    monkeypatch.setattr(LocalMember, "_refute", lambda self, now: False)
    settings = {"second_look": False, "stream_fallback": False, "indirect_probes": 1, "suspicion_beta": 1}
    for seed in range(1, 30):
        run = Run(msgspec.structs.replace(SCENARIOS[name].plan(seed, 8), settings=settings), SCENARIOS[name])
        run._begin()
        run._trouble()
        if any(violation.checker == "spared" for violation in run.watch.violations):
            return
    raise AssertionError(f"{name} did not notice")
