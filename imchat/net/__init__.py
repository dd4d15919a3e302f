"""Twisted glue that servers and clients share: framing, content on the wire, background work."""
