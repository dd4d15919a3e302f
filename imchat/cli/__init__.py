"""The ``imchat`` command: a terminal client, and the operator's tool."""
