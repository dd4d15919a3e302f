"""Links between servers: Perspective Broker with a login by a shared secret.

A call is a method's name and one dictionary of plain values; its answer is one plain value or an error.

- :mod:`~imchat.net.links.secret`: the shared secret and how two servers prove that they know it.
- :mod:`~imchat.net.links.plain`: what may cross a link, and how much of it.
- :mod:`~imchat.net.links.answers`: results and errors on the wire.
- :mod:`~imchat.net.links.broker`: Perspective Broker, cut down to calls with plain values.
- :mod:`~imchat.net.links.server`, :mod:`~imchat.net.links.door`: the side that is called.
- :mod:`~imchat.net.links.link`, :mod:`~imchat.net.links.pool`: the side that calls.
- :mod:`~imchat.net.links.endpoints`: where a link may run, so that nothing secret travels in clear.
- :mod:`~imchat.net.links.messages`: the methods of each server, and the domain's values on the wire.
- :mod:`~imchat.net.links.proxies`: the ports of status and verify, over links.
"""
