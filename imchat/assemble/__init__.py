"""The one place that chooses backends and wires services: everything is built first, then wired, then started."""

from imchat.assemble.checking import check_values
from imchat.assemble.cluster import build_chat, build_gate, build_status, build_verify
from imchat.assemble.embedded import build_embedded
from imchat.assemble.migrating import CannotMigrate, migrate_cluster
from imchat.assemble.workers import Place

__all__ = [
    "CannotMigrate",
    "Place",
    "build_chat",
    "build_embedded",
    "build_gate",
    "build_status",
    "build_verify",
    "check_values",
    "migrate_cluster",
]
