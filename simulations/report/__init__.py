"""One HTML page from results: it needs no network, no script, and nothing beside it.

Reading order: `result_file` reads what a campaign wrote; `scenario_group` gathers runs by scenario, with
`quantile` for their distributions; `choice` picks the one run that is shown in full. Plots: `palette` and
`drawing` (matplotlib to SVG inside the page), then `detection_plot`, `traffic_plot`, `view_plot`; `timeline`
on its `time_axis` is written by hand, since each of its marks says on hover what it is. `summary` and
`violation_list` are tables and text. `page` puts them together, in the look of `style`; `wording` is how
numbers and foreign text are written.
"""

from simulations.report.page import write_report
from simulations.report.result_file import read_results

__all__ = ["read_results", "write_report"]
