"""The status server: which chat nodes live, and whose token is good."""
