"""What must be true of every sound file here. Python's own library only, so that it runs anywhere."""

import hashlib
import json
import math
import sys
import wave
from array import array
from pathlib import Path

import texts

RATE = 16_000
FRAME = RATE // 50
PEAK_DB = -3.0
LEVEL_DB = (-21.5, -18.5)
MARGIN_DB = 15.9
"""See shaping.py; the measure is the same, written a second time without numpy."""
SILENCE_PEAK = 33
"""About -60 dBFS: what still counts as silence in the head and the tail, in sample steps."""
TOTAL_BYTES = 40_000_000
DURATION_MS = (150, 60_000)

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
TONE_BLOCK = RATE * 20 // 1000
TONE_SHARE = 0.5
"""Two tones holding half of a block's energy is far stricter than a detector that has to accept noisy lines."""
TONE_TWIST_DB = 9.0


def samples_of(path):
    """The samples, or a ValueError saying what is wrong with the format."""
    with wave.open(str(path), "rb") as file:
        shape = (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getcomptype())
        if shape != (1, 2, RATE, "NONE"):
            raise ValueError(f"format is {shape}, not 16 kHz mono 16-bit PCM")
        samples = array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def decibel(power):
    return 10.0 * math.log10(max(power, 1e-12))


def active_level(samples):
    """RMS of the active 20 ms frames, dBFS."""
    powers = []
    for start in range(0, len(samples) - FRAME + 1, FRAME):
        frame = samples[start : start + FRAME]
        powers.append(sum(s * s for s in frame) / FRAME / 32768.0**2)
    level = decibel(sum(powers) / len(powers))
    for _ in range(20):
        active = [p for p in powers if decibel(p) > level - MARGIN_DB]
        level = decibel(sum(active) / len(active)) if active else level
    return level


def goertzel(block, hertz):
    """Power of one frequency in the block, on the scale of the block's sum of squares."""
    coefficient = 2.0 * math.cos(2.0 * math.pi * hertz / RATE)
    s1 = s2 = 0.0
    for sample in block:
        s1, s2 = sample + coefficient * s1 - s2, s1
    return (s1 * s1 + s2 * s2 - coefficient * s1 * s2) * 2.0 / len(block)


def key_tone(block):
    """The pair of DTMF frequencies that dominates the block, or None."""
    energy = sum(s * s for s in block)
    if energy < len(block) * 100.0**2:
        return None
    low = max((goertzel(block, f), f) for f in LOW_HZ)
    if low[0] < energy * 0.05:
        return None
    high = max((goertzel(block, f), f) for f in HIGH_HZ)
    balanced = abs(decibel(low[0] / energy) - decibel(high[0] / energy)) <= TONE_TWIST_DB
    return (low[1], high[1]) if balanced and low[0] + high[0] > TONE_SHARE * energy else None


def talk_off(samples):
    """Where (ms) a key tone would be heard: the same pair in two blocks in a row. None if nowhere."""
    before = None
    for start in range(0, len(samples) - TONE_BLOCK + 1, TONE_BLOCK):
        found = key_tone(samples[start : start + TONE_BLOCK])
        if found and found == before:
            return start * 1000 // RATE
        before = found
    return None


def faults_of(path, entry, joined):
    """Everything that is wrong with one file, as sentences."""
    if not path.is_file():
        return ["the file is missing"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
        return ["its sha256 is not the manifest's"]
    try:
        samples = samples_of(path)
    except (ValueError, wave.Error, EOFError) as error:
        return [str(error)]
    faults = []
    duration = len(samples) * 1000 // RATE
    if duration != entry["duration_ms"]:
        faults.append(f"lasts {duration} ms, the manifest says {entry['duration_ms']}")
    if not DURATION_MS[0] <= duration <= DURATION_MS[1]:
        faults.append(f"lasts {duration} ms")
    peak = decibel((max(map(abs, samples)) / 32768.0) ** 2)
    if peak > PEAK_DB:
        faults.append(f"peak {peak:.1f} dBFS")
    level = active_level(samples)
    if not LEVEL_DB[0] <= level <= LEVEL_DB[1]:
        faults.append(f"active level {level:.1f} dBFS")
    if (at := talk_off(samples)) is not None:
        faults.append(f"sounds like a key tone at {at} ms")
    if entry["language"] != "none":
        head, tail = (20, 60) if joined else (50, 150)
        for name, part in (("head", samples[: RATE * head // 1000]), ("tail", samples[-(RATE * tail // 1000) :])):
            if max(map(abs, part)) > SILENCE_PEAK:
                faults.append(f"the {name} is not silent")
    else:
        step = abs(samples[0] - samples[-1])
        if step > max(abs(a - b) for a, b in zip(samples, samples[1:])):
            faults.append(f"the loop has a seam of {step} steps")
    return faults


def run(root):
    """Checks the whole folder, prints what is wrong and a closing line. True if all is well."""
    root = Path(root)
    try:
        prompts = texts.load(root / "texts.yaml")
        manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, texts.TextsError) as error:
        print(f"prompts: {error}")
        return False
    entries = {entry["file"]: entry for entry in manifest["prompts"]}
    wanted = {"music/hold.wav": None, "music/beep.wav": None}
    for prompt in prompts:
        for language in texts.LANGUAGES:
            if prompt.text(language):
                wanted[f"{language}/{prompt.id}.wav"] = (prompt, language)
    faults = [f"{file}: not in the manifest" for file in wanted if file not in entries]
    faults += [f"{file}: in the manifest, but not in texts.yaml" for file in entries if file not in wanted]
    on_disk = {path.relative_to(root).as_posix() for path in root.rglob("*.wav")}
    faults += [f"{file}: on disk, but not in texts.yaml" for file in sorted(on_disk - wanted.keys())]
    total = 0
    for file, source in wanted.items():
        if file not in entries:
            continue
        entry = entries[file]
        if source and entry["text"] != source[0].text(source[1]):
            faults.append(f"{file}: texts.yaml has changed since it was made")
        faults += [f"{file}: {fault}" for fault in faults_of(root / file, entry, bool(source and source[0].joined))]
        total += (root / file).stat().st_size if (root / file).is_file() else 0
    if total > TOTAL_BYTES:
        faults.append(f"{total} bytes altogether, more than {TOTAL_BYTES}")
    for fault in faults:
        print(f"prompts/{fault}")
    print(f"prompts: {len(wanted)} files, {total / 1e6:.1f} MB, {len(faults)} faults")
    return not faults
