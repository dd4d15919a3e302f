"""Benchmarks of the real servers: ``make bench``. docs/performance.md tells the figures."""
