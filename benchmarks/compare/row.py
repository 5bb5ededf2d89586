"""The figures of a comparison: what each is called, and how far ours may be above theirs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_LIMITS: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. Smaller is better in all."""

    key: str
    """Of the readings, theirs and unless `ours` says otherwise ours too."""
    title: str
    unit: str
    stage: str
    """With which it is measured."""
    ours: str = ""
    at_most: Mapping[str, float] = field(default_factory=lambda: NO_LIMITS)
    """By peer: the ratio ours / theirs that is aimed at."""
    node_counts: tuple[int, ...] = ()
    """Where the aim holds; everywhere if there is none."""
    is_count: bool = False
    """Added up over the run, and no median; held against theirs by itself, for a ratio to nothing says nothing."""
    is_to_be_none: bool = False
    """Of a count: ours is to be 0, and not more than theirs."""
    is_to_be_no_more: bool = False
    """Of a count: ours is to be not more than theirs."""

    @property
    def our_key(self) -> str:
        """Under which readings of Shoal it is found."""
        return self.ours or self.key


def _against(serf: float, kinship: float) -> dict[str, float]:
    return {"serf": serf, "kinship": kinship}


ROWS = (
    Row("start", "simultaneous start: the last one listens to all see all", "s", "start", at_most=_against(1.5, 1.0),
        node_counts=(20, 50)),
    Row("start_exec", "simultaneous start: first exec to the last one listens", "s", "start"),
    Row("start_late", "starts not complete after 5 s", "", "start", is_count=True, is_to_be_none=True),
    Row("start_stuck", "starts not complete after 35 s", "", "start", is_count=True, is_to_be_none=True),
    Row("cpu", "idle CPU per node", "ms/s", "idle", at_most=_against(0.4, 1.5)),
    Row("cpu", "idle CPU per node, our HTTP off", "ms/s", "idle", "cpu_off"),
    Row("cpu", "idle CPU per node, our HTTP on", "ms/s", "idle", "cpu_http"),
    Row("switches", "idle context switches per node", "1/s", "idle"),
    Row("rss", "RSS per node, our HTTP off", "MiB", "idle", "rss_off"),
    Row("rss", "RSS per node, our HTTP on", "MiB", "idle", "rss_http"),
    Row("pss", "PSS per node, our HTTP off", "MiB", "idle", "pss_off", _against(4.0, 2.3)),
    Row("pss", "PSS per node, our HTTP on", "MiB", "idle", "pss_http", _against(6.5, 3.8)),
    Row("packets", "idle packets per node, all encrypted", "1/s", "idle"),
    Row("bytes", "idle IP bytes per node, all encrypted", "B/s", "idle", at_most=_against(1.0, 1.0)),
    Row("plain_packets", "idle packets per node, only ours encrypted", "1/s", "plain", "packets"),
    Row("plain_bytes", "idle IP bytes per node, only ours encrypted", "B/s", "plain", "bytes"),
    Row("kill_suspect", "kill -9 to the first suspicion", "s", "kill"),
    Row("kill_first", "kill -9 to the first observer", "s", "kill", at_most=_against(0.8, 0.8), node_counts=(20,)),
    Row("kill_last", "kill -9 to the last observer", "s", "kill", at_most=_against(0.8, 0.8)),
    Row("restart", "restart: it listens to alive everywhere", "s", "restart"),
    Row("restart_exec", "restart: exec to alive everywhere", "s", "restart"),
    Row("leave_first", "graceful leave: signal to the first observer", "s", "leave"),
    Row("leave_last", "graceful leave: signal to all", "s", "leave", at_most=_against(0.5, 1.0)),
    Row("false_suspect", "suspicions of nodes that were up, whole cycle", "", "start", is_count=True),
    Row("false_failed", "verdicts on nodes that were up, whole cycle", "", "start", is_count=True,
        is_to_be_no_more=True),
    Row("starts", "starts alone: the last one listens to all see all", "s", "starts", at_most=_against(1.5, 1.0),
        node_counts=(20, 50)),
    Row("starts_late", "starts alone: not complete after 5 s", "", "starts", is_count=True, is_to_be_none=True),
    Row("starts_stuck", "starts alone: not complete after 35 s", "", "starts", is_count=True, is_to_be_none=True),
    Row("hog_s", "time under a CPU hog per core", "s", "hog", is_count=True),
    Row("hog_suspect", "under the hogs: nodes suspected", "", "hog", is_count=True),
    Row("hog_failed", "under the hogs: nodes held failed", "", "hog", is_count=True, is_to_be_none=True),
    Row("hog_suspect_lines", "under the hogs: suspicions, each node that logs one", "", "hog", is_count=True),
    Row("hog_failed_lines", "under the hogs: verdicts, each node's", "", "hog", is_count=True),
)  # fmt: skip
STARTS, HOG = "starts", "hog"
"""The stages that are asked for by options of their own."""
