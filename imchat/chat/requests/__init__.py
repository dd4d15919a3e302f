"""What a client can ask for once it has a session, one module for each family of requests.

Each module has ``REQUESTS``: a handler for each body of a frame that asks for something of its family.
"""
