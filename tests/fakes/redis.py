"""A Redis that is there or not, without a socket."""

from imchat.domain.errors import Unavailable


class SwitchedRedis:
    """An ``imchat.store.redis.RedisCommands`` that gives fixed answers, or none.

    Attributes:
        away: Whether it is.
        answer: What everything returns.
        asked: How many calls were made.
    """

    def __init__(self, answer=0) -> None:
        self.away = False
        self.answer = answer
        self.asked = 0

    async def call(self, *words):
        self.asked += 1
        if self.away:
            raise Unavailable("Redis is away", 2_000)
        return self.answer

    async def run(self, script, keys, arguments):
        return await self.call()
