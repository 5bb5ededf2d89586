"""key_rotation: the cluster's key is changed while it runs: one is added, put in use, and the old one retired.

All messages are sealed (the plan says `encode`). The operator turns to any nodes, whose wall clocks differ, and is
refused until every live member has shown the new key. Nobody is suspected for it. One member may be down for a part
of it: one that is back before the old key is retired catches up; one that slept through that starts anew with the
cluster's present key file, for with its old disk it would be refused (`unknown_key`), as the design has it.
"""

from collections.abc import Iterator

from protocol.swim.effect import ChangeKind
from simulations.deed import AddKey, Crash, Restart, RetireKeys, UseKey
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import done, told
from simulations.scenarios.setting import need, settle_in

USE_S = 3.0
RETIRE_S = 12.0
PATIENCE_S = 15.0


def draw(draft: Draft) -> None:
    """Draw where the operator turns to, and who is down when."""
    need(draft, 2)
    settle_in(draft, "lan")
    draft.encode = True
    away = draft.one() if draft.nodes > 2 and draft.rng.random() < 0.5 else None
    here = () if away is None else (away,)
    began = draft.between(1.0, 3.0)
    adder = draft.one(*here)
    draft.at(began, AddKey(adder))
    draft.at(began + draft.between(0.0, USE_S), UseKey(draft.one(*here), PATIENCE_S))
    draft.at(began + RETIRE_S, RetireKeys(draft.one(*here), PATIENCE_S))
    if away is not None:
        draft.at(began - draft.between(0.0, 1.0), Crash(away))
        overslept = draft.rng.random() < 0.5
        back_s = RETIRE_S + PATIENCE_S + 5.0 if overslept else draft.between(1.0, 9.0)
        draft.at(began + back_s, Restart(away, keep_disk=not overslept, seed=adder))
    draft.lasts_s = began + RETIRE_S + PATIENCE_S


def judge(run: Run) -> Iterator[str]:
    """All hold one key, the new one; nobody was suspected who ran all the time."""
    held = {}
    for node in run.members:
        keyring = run.world.transport.keyring(node)
        if keyring is not None:
            held[node.name] = tuple(key_id.hex() for key_id in keyring.key_ids)
    if len(set(held.values())) > 1 or any(len(key_ids) != 1 for key_ids in held.values()):
        yield f"members hold different keys, or more than one: {held}"
    for kind in ("key-add", "key-use", "key-retire"):
        if not run.recorder.counts[kind]:
            yield f"the operator did not get as far as {kind}"
    absent = {deed.concerns[0] for _, deed in done(run, Crash)}
    for observer in run.members:
        for subject in run.members:
            if subject.index not in absent and any(told(run, observer, subject, ChangeKind.SUSPECT)):
                yield f"{observer.name} suspected {subject.name}, while keys were changed"


SCENARIO = Scenario(
    name="key_rotation",
    summary="a cluster key is added, put in use, and the old one retired, while one member may be away",
    promises=(
        "every member holds the new key, and no other, in the end",
        "nobody who ran all the time is suspected",
        "who was away catches up, or comes back with the present key file",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.UNHARMED,
    sizes=(3, 8),
    reached=("deed_addkey", "key-add", "key-use", "key-retire", "restart"),
)
