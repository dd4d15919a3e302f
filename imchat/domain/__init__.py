"""The rules and values of imchat. Pure: no input or output, no Twisted, no protobuf; time is an argument."""
