"""Faults on real processes: servers are killed, frozen and cut off under load, then what everybody saw is checked.

``make faults MINUTES=5``, or ``python -m tests.faults --help``. How it is put together:

- :mod:`plan`: a seed becomes a list of faults. Pure.
- :mod:`servers`, :mod:`cluster`, :mod:`embedded`, :mod:`disk`, :mod:`proxy`: what is done to which servers.
- :mod:`load`, :mod:`device`, :mod:`visitor`: the users, in processes of their own; each writes what it saw to a file.
- :mod:`recording`, :mod:`truth`: what was seen, and what the database holds, for the checker of ``tests.simulation``.
- :mod:`measure`: how much was resent and recovered, and how long it took. Pure.
- :mod:`run`: one run from start to verdict.
"""
