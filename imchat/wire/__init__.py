"""What travels between clients and chat nodes: the schema, frames, and the codec. No sockets, no Twisted."""
