"""What a chat node does, without sockets, protobuf or SQL. Connections are told through :mod:`.connection`."""
