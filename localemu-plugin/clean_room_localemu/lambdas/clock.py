"""How much later it is for functions than it is: a rehearsal may let minutes pass that way (circumstances.py)."""

#: Seconds.
seconds_ahead = 0.0
