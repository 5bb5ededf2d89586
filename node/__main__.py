"""Run the command line: `python -m node` is `shoal`."""

from node.cli import main

if __name__ == "__main__":
    main()
