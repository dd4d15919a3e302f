"""The implementations of the ports: SQL databases for the truth, memory or Redis for what may be lost."""
