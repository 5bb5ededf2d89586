"""Run `shoal up` over stand-ins for the agent: `python -m tests.node.cli.up_driver COUNT BASE_DIR|- [once]`."""

import sys
from pathlib import Path

from node.up import Plan, UpError, run_up


def main() -> None:
    """Exit as `shoal up` would."""
    count, base_dir, *rest = sys.argv[1:]
    plan = Plan(int(count), "local", None if base_dir == "-" else Path(base_dir), "keep" in rest, "once" in rest)
    try:
        code = run_up(plan, (sys.executable, "-m", "tests.node.cli.fake_node"))
    except UpError as error:
        sys.exit(str(error))
    sys.exit(code)


if __name__ == "__main__":
    main()
