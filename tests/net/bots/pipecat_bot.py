"""A bot of somebody else's making: Pipecat reads what Hotline sends and writes what it is sent.

It hears a tone, answers by another for ten seconds, falls silent at key 1, and hands over at key 9. What it notices is
printed, a line each.
"""

import asyncio
import math
import struct
import sys
from types import SimpleNamespace

import websockets
from loguru import logger
from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
)
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer

HEARS, SAYS, RATE = 400, 1000, 16000


def loudness(samples, hertz):
    turn = 2 * math.pi * hertz / RATE
    re = sum(sample * math.cos(turn * at) for at, sample in enumerate(samples))
    im = sum(sample * math.sin(turn * at) for at, sample in enumerate(samples))
    return 2 * math.hypot(re, im) / max(len(samples), 1)


class Socket:
    """What Pipecat expects of a WebSocket, around that of `websockets`."""

    def __init__(self, websocket):
        self.websocket = websocket

    async def iter_text(self):
        async for message in self.websocket:
            yield message


async def talk(websocket):
    kind, call = await parse_telephony_websocket(Socket(websocket))
    tell(f"kind {kind}")
    tell(f"body {sorted(call['body'].items())}")
    serializer = TwilioFrameSerializer(
        call["stream_id"], call["call_id"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
    )
    await serializer.setup(SimpleNamespace(audio_in_sample_rate=RATE))

    async def sends(frame):
        message = await serializer.serialize(frame)
        if message:
            await websocket.send(message)

    heard = []
    spoken = False
    async for message in websocket:
        frame = await serializer.deserialize(message)
        if isinstance(frame, InputAudioRawFrame) and not spoken:
            heard.extend(struct.unpack(f"<{len(frame.audio) // 2}h", frame.audio))
            if len(heard) >= RATE and loudness(heard[-RATE // 4 :], HEARS) > 4000:
                spoken = True
                tell("hears the caller")
                samples = [int(8000 * math.sin(2 * math.pi * SAYS * at / RATE)) for at in range(10 * RATE)]
                audio = struct.pack(f"<{len(samples)}h", *samples)
                await sends(OutputAudioRawFrame(audio=audio, sample_rate=RATE, num_channels=1))
                mark = {"event": "mark", "streamSid": call["stream_id"], "mark": {"name": "said"}}
                await sends(OutputTransportMessageFrame(message=mark))
        elif isinstance(frame, InputDTMFFrame) and frame.button == KeypadEntry.ONE:
            tell("key 1")
            await sends(InterruptionFrame())
        elif isinstance(frame, InputDTMFFrame) and frame.button == KeypadEntry.NINE:
            tell("key 9")
            lines = [{"role": "user", "content": "A person, please."}]
            result = {"event": "result", "result": {"intent": "loss"}, "transcript": lines, "transfer": True}
            await sends(OutputTransportMessageFrame(message=result))
        elif frame is None and '"mark"' in message:
            tell("mark")
        elif frame is None and '"stop"' in message:
            tell("stop")
    tell("closed")


def tell(line):
    print(line, flush=True)


async def main():
    logger.remove()
    async with websockets.serve(talk, "127.0.0.1", 0) as server:
        tell(f"port {server.sockets[0].getsockname()[1]}")
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
