"""A small bot: it greets with a prompt, says back what it hears, and minds the keys.

    pip install websockets
    python docs/examples/bot.py --port 7000

1 interrupts it, 9 asks for a person, 0 ends the talk. It speaks Twilio's Media Streams, and beyond them one message of
Hotline's, `result`: see docs/bots.md.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import pathlib
import struct
import sys
import wave

import websockets

PROMPTS = pathlib.Path(__file__).parents[2] / "prompts"


def ulaw(sample):
    """One sample of 16 bits as G.711 has it."""
    sign, size = (0x80, -sample) if sample < 0 else (0, sample)
    size = min(size, 32635) + 132
    exponent = max(size.bit_length() - 8, 0)
    return ~(sign | exponent << 4 | size >> exponent + 3 & 15) & 0xFF


def sound(path):
    """A prompt (16 bits, mono) at 8 kHz in µ-law. Every n-th sample will do for an example."""
    with wave.open(str(path)) as file:
        step, frames = file.getframerate() // 8000, file.readframes(file.getnframes())
    samples = struct.unpack(f"<{len(frames) // 2}h", frames)
    return bytes(ulaw(sample) for sample in samples[::step])


class Call:
    def __init__(self, websocket):
        self.websocket = websocket
        self.stream = None
        self.greeting = True
        self.transcript = []

    async def send(self, event, **fields):
        await self.websocket.send(json.dumps({"event": event, "streamSid": self.stream, **fields}))

    async def say(self, audio):
        await self.send("media", media={"payload": base64.b64encode(audio).decode()})

    async def starts(self, start):
        self.stream = start["streamSid"]
        language = start["customParameters"].get("language", "en")
        await self.say(sound(PROMPTS / language / "welcome.wav"))
        # It comes back when the greeting has been heard, or interrupted.
        await self.send("mark", mark={"name": "greeted"})
        self.transcript.append({"who": "bot", "text": "(the greeting)"})

    async def key(self, digit):
        self.transcript.append({"who": "caller", "text": f"(key {digit})"})
        if digit == "1":
            await self.send("clear")
        if digit in "09":
            person = digit == "9"
            slots = {"intent": "person" if person else "done"}
            await self.send("result", result=slots, transcript=self.transcript, transfer=person)
        if digit == "0":
            await self.websocket.close()

    async def talk(self):
        # The other side may close while something is being said.
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in self.websocket:
                await self.hears(json.loads(text))

    async def hears(self, message):
        match message["event"]:
            case "start":
                await self.starts(message["start"])
            case "mark":
                self.greeting = False
            case "media" if not self.greeting:
                await self.say(base64.b64decode(message["media"]["payload"]))
            case "dtmf":
                await self.key(message["dtmf"]["digit"])


async def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--port", type=int, default=0, help="0: any that is free")
    port = arguments.parse_args().port
    async with websockets.serve(lambda websocket: Call(websocket).talk(), "127.0.0.1", port) as server:
        print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
        # Ends with its input, or by Ctrl-C.
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
