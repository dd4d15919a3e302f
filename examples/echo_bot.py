"""A bot that says everything back: IMCHAT_PASSWORD=... python examples/echo_bot.py NAME [SERVER]."""

import os
import sys

from imchat.client import Bot, Message

if len(sys.argv) not in (2, 3) or "IMCHAT_PASSWORD" not in os.environ:
    sys.exit(__doc__)
name = sys.argv[1]
server = sys.argv[2] if len(sys.argv) == 3 else os.environ.get("IMCHAT_SERVER", "http://127.0.0.1:8080")

bot = Bot(server=server, login=name, password=os.environ["IMCHAT_PASSWORD"], state=f"{name}.db")


@bot.on_message
async def echo(message: Message) -> None:
    """Say it back; the library sends it once, whatever happens to this program."""
    await message.reply(message.text)


bot.run()
