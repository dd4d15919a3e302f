"""Randomness that repeats itself."""

import random

from imchat.domain.models import MAX_ID


class SeededIds:
    """An ``imchat.ports.Ids`` that gives the same values for the same seed, each made from the last."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def new_id(self) -> int:
        return self._random.randint(1, MAX_ID)

    def token(self) -> bytes:
        return self._random.randbytes(32)

    def client_id(self) -> bytes:
        return self._random.randbytes(16)

    def digits(self, count: int) -> str:
        return f"{self._random.randrange(10**count):0{count}d}"

    def fraction(self) -> float:
        return self._random.random()
