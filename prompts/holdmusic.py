"""The hold music: a calm chord loop of our own, made from sums of sines. Public parts: `loop()`, and `beep()` for messages.

Every note is written into a ring as long as the loop, so its end runs into its beginning without a seam.
All fundamentals lie under 600 Hz and carry almost all of the energy: the upper tones of DTMF (1209 Hz and more) are
never as strong as a detector asks for.
"""

import numpy as np

from shaping import LEVEL_DB, SAMPLE_RATE, from_db, limit

CHORD_S = 5.0
BEEP_HZ = 1_000.0
BEEP_S = 0.4
NOTES = {name: 440.0 * 2.0 ** ((number - 69) / 12.0) for name, number in {
    "F2": 41, "G2": 43, "A2": 45, "C3": 48, "D3": 50, "E3": 52, "F3": 53, "G3": 55, "A3": 57, "B3": 59,
    "C4": 60, "D4": 62, "E4": 64, "F4": 65, "G4": 67, "A4": 69, "B4": 71, "C5": 72, "D5": 74}.items()}

# Bass, the pad above it, and the plucked notes of the melody with their beats (4 to a chord).
CHORDS = [
    ("C3", "E3 G3 B3 D4", {0: "G4", 2: "E4", 3: "D4"}),
    ("A2", "C3 E3 G3 B3", {0: "C4", 1.5: "E4", 3: "G4"}),
    ("F2", "A3 C4 E4 G3", {0: "A4", 2: "G4", 3: "E4"}),
    ("G2", "B3 D4 A3 G3", {0: "D4", 1.5: "G4", 3: "B4"}),
    ("A2", "C4 E4 G3 B3", {0: "C5", 2: "B4", 3: "G4"}),
    ("F2", "A3 C4 E4 C3", {0: "A4", 1.5: "G4", 3: "E4"}),
    ("D3", "F3 A3 C4 E4", {0: "F4", 2: "A4", 3: "D5"}),
    ("G2", "C4 D4 F3 G3", {0: "C5", 2: "B4", 3: "D4"}),
]


def tone(frequency, seconds, harmonics, attack_s, release_s):
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = sum(weight * np.sin(2 * np.pi * frequency * k * t) for k, weight in enumerate(harmonics, 1))
    rise = np.clip(t / attack_s, 0.0, 1.0)
    fall = np.clip((seconds - t) / release_s, 0.0, 1.0)
    return wave * np.sin(rise * np.pi / 2) ** 2 * np.sin(fall * np.pi / 2) ** 2


def pluck(frequency, seconds):
    wave = tone(frequency, seconds, (1.0, 0.08, 0.03), 0.015, 0.4)
    return wave * np.exp(-np.arange(len(wave)) / SAMPLE_RATE / 0.9)


def add(ring, start_s, sound, gain):
    at = (int(start_s * SAMPLE_RATE) + np.arange(len(sound))) % len(ring)
    ring[at] += gain * sound


def loop():
    """40 s, 16-bit samples at SAMPLE_RATE, at the house level."""
    ring = np.zeros(int(len(CHORDS) * CHORD_S * SAMPLE_RATE))
    for index, (bass, pad, melody) in enumerate(CHORDS):
        start = index * CHORD_S
        add(ring, start - 0.6, tone(NOTES[bass] * 2 if NOTES[bass] < 110 else NOTES[bass], CHORD_S + 1.2, (1.0, 0.2), 0.8, 1.2), 0.5)
        for note in pad.split():
            for detune in (0.9988, 1.0012):
                add(ring, start - 0.8, tone(NOTES[note] * detune, CHORD_S + 1.6, (1.0, 0.12, 0.03), 1.4, 1.6), 0.22)
        for beat, note in melody.items():
            add(ring, start + beat * CHORD_S / 4, pluck(NOTES[note], 2.4), 0.55)
    ring *= from_db(LEVEL_DB) / np.sqrt(np.mean(ring**2))
    return np.round(limit(ring) * 32767.0).astype("<i2")


def beep():
    """The tone after which callers speak: one frequency, so that no detector takes it for a key."""
    sound = tone(BEEP_HZ, BEEP_S, (1.0,), 0.01, 0.01)
    sound *= from_db(LEVEL_DB) / np.sqrt(np.mean(sound**2))
    return np.round(limit(sound) * 32767.0).astype("<i2")
