"""Many runs: every scenario with every seed, on all cores of one machine or on the workers of a Dask cluster.

Reading order: `trial` (one run, whatever becomes of it), `pool` (what carries trials out, and how their results come
in the order of the trials), `process_pool` (worker processes of this machine) and `dask_pool` (many machines), then
`tally` (what it all came to) and `campaign`, which joins them. Results do not depend on who computed them.
"""

from simulations.campaign.campaign import Campaign
from simulations.campaign.pool import Pool, open_pool, stream_results
from simulations.campaign.tally import ScenarioTally, Tally
from simulations.campaign.trial import Trial, carry_out, run_trial

__all__ = [
    "Campaign",
    "Pool",
    "ScenarioTally",
    "Tally",
    "Trial",
    "carry_out",
    "open_pool",
    "run_trial",
    "stream_results",
]
