"""The one place that chooses backends and wires services: everything is built first, then wired, then started."""

from imchat.assemble.embedded import build_embedded

__all__ = ["build_embedded"]
