"""gate: the HTTP API for registration, login and routes, and the operator's API on the UNIX socket."""
