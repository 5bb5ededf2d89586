"""A campaign: which runs it has, and its results written down as they come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from protocol.error import InvalidRequest
from simulations.campaign.pool import Pool, stream_results
from simulations.campaign.tally import Tally
from simulations.campaign.trial import Trial
from simulations.result import Result
from simulations.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Campaign:
    """Each of some scenarios with each of some seeds."""

    scenarios: Sequence[Scenario]
    seeds: range
    encode: bool = False
    keep_timelines: bool = False
    nodes: int | None = None
    """For every run; None where each draws its own."""

    @property
    def size(self) -> int:
        """How many runs it has."""
        return len(self.scenarios) * len(self.seeds)

    def trials(self) -> Iterator[Trial]:
        """Give its runs: all scenarios with the first seed, then with the next, so that none waits for long."""
        for seed in self.seeds:
            for scenario in self.scenarios:
                nodes = scenario.size(seed) if self.nodes is None else self.nodes
                yield Trial(scenario.name, seed, nodes, self.encode, self.keep_timelines)

    def carry_out(self, pool: Pool, tally: Tally, out: BinaryIO | None = None) -> Iterator[Result]:
        """Give each result, in order, once it is in the tally and written to `out` as a line of JSON.

        Raises:
            InvalidRequest: `out` cannot be written.
        """
        encoder = msgspec.json.Encoder()
        for result in stream_results(pool, self.trials()):
            tally.add(result)
            if out is not None:
                _write_line(out, encoder.encode(result))
            yield result


def _write_line(out: BinaryIO, line: bytes) -> None:
    """Write a result so that it is there whatever happens next."""
    try:
        out.write(line + b"\n")
        out.flush()
    except OSError as error:
        raise InvalidRequest(f"the results cannot be written: {error.strerror}") from None
