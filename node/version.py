"""The version of this software, as it travels in records and as `shoal version` prints it."""

VERSION = "0.1.0"
