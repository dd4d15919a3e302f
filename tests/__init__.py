"""imchat's tests. No test of theirs judges by time, which says more of the machine than of the program."""

from hypothesis import HealthCheck, settings

settings.register_profile("imchat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("imchat")
