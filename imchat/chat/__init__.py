"""The chat server: long connections, the message path, catching up and history."""
