"""The scenarios, each a small file that reads like a description.

setting.py draws where a cluster runs, account.py asks the nodes what they told; all other files are scenarios.
"""

from simulations.scenario import Scenario
from simulations.scenarios import (
    address_reuse,
    asymmetric_link,
    bootstrap,
    clock_jump,
    crash,
    facts,
    flip_flop,
    forger,
    graceful_leave,
    join_storm,
    key_rotation,
    last_seat,
    liar,
    lossy_links,
    mass_crash,
    mass_restart,
    name_reuse,
    partition_heal,
    revocation,
    rolling_restart,
    seats_partition,
    slow_member,
    stalled_process,
    steady,
    udp_blocked,
)

SCENARIOS: dict[str, Scenario] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (
        address_reuse,
        asymmetric_link,
        bootstrap,
        clock_jump,
        crash,
        facts,
        flip_flop,
        forger,
        graceful_leave,
        join_storm,
        key_rotation,
        last_seat,
        liar,
        lossy_links,
        mass_crash,
        mass_restart,
        name_reuse,
        partition_heal,
        revocation,
        rolling_restart,
        seats_partition,
        slow_member,
        stalled_process,
        steady,
        udp_blocked,
    )
}
"""All of them, by name, in the order of the alphabet."""
