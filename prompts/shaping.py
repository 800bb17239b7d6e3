"""From what a speech engine gives to what a telephone needs. All levels are relative to full scale (dBFS).

Needs numpy and scipy, as the engines do.
"""

import numpy as np
from scipy import signal

SAMPLE_RATE = 16_000
LEVEL_DB = -20.0
"""RMS of the active parts of speech: what telephone networks are planned for, with room for peaks."""
PEAK_DB = -3.2
"""A little under the promised -3 dBFS, because rounding to 16 bit comes later."""
BAND_HZ = (150.0, 7000.0)
"""Below is only rumble that small loudspeakers turn into distortion; above is nothing G.722 would carry."""
ACTIVE_MARGIN_DB = 15.9
"""Speech is active where its level is within this margin of the active level (the margin of ITU-T P.56)."""
FRAME = SAMPLE_RATE // 50


def db(ratio):
    return 20.0 * np.log10(max(float(ratio), 1e-9))


def from_db(level):
    return 10.0 ** (level / 20.0)


def active_level(x):
    """RMS of the active 20 ms frames in dBFS."""
    usable = len(x) // FRAME * FRAME
    power = np.mean(x[:usable].reshape(-1, FRAME) ** 2, axis=1)
    level = 10.0 * np.log10(max(power.mean(), 1e-12))
    for _ in range(20):
        active = power[power > 10.0 ** ((level - ACTIVE_MARGIN_DB) / 10.0)]
        level = 10.0 * np.log10(max(active.mean(), 1e-12)) if len(active) else level
    return level


def resample(x, rate):
    step = np.gcd(rate, SAMPLE_RATE)
    return signal.resample_poly(np.asarray(x, dtype=np.float64), SAMPLE_RATE // step, rate // step)


def band(x):
    sections = signal.butter(4, BAND_HZ, "bandpass", fs=SAMPLE_RATE, output="sos")
    return signal.sosfiltfilt(sections, np.pad(x, SAMPLE_RATE // 10))


def trim(x):
    """Cuts what is more than 40 dB under the active level from both ends, keeping 10 ms of natural on- and offset."""
    threshold = from_db(active_level(x) - 40.0)
    loud = np.flatnonzero(np.convolve(np.abs(x), np.ones(80) / 80.0, "same") > threshold)
    keep = SAMPLE_RATE // 100
    return x[max(loud[0] - keep, 0) : loud[-1] + keep]


def limit(x):
    """Holds the peaks under PEAK_DB by turning the gain down around them, 3 ms ahead and after."""
    ceiling = from_db(PEAK_DB)
    wanted = np.minimum(1.0, ceiling / np.maximum(np.abs(x), 1e-9))
    reach = SAMPLE_RATE * 3 // 1000
    lowest = np.min(np.lib.stride_tricks.sliding_window_view(np.pad(wanted, reach, constant_values=1.0), 2 * reach + 1), axis=1)
    window = np.hanning(reach + 2)[1:-1]
    smooth = np.convolve(np.pad(lowest, reach, mode="edge"), window / window.sum(), "same")[reach:-reach]
    return np.clip(x * smooth, -ceiling, ceiling)


def level(x):
    """Brings the active level to LEVEL_DB with the peaks under PEAK_DB; twice, because limiting takes level away."""
    for _ in range(3):
        x = limit(x * from_db(LEVEL_DB - active_level(x)))
    return x


def fade(x):
    """5 ms in, 10 ms out: no click where speech meets silence."""
    x = x.copy()
    x[:80] *= np.linspace(0.0, 1.0, 80)
    x[-160:] *= np.linspace(1.0, 0.0, 160)
    return x


def speech(x, rate):
    """One stretch of speech of one voice: 16 kHz, band-limited, trimmed, at the house level."""
    return fade(level(trim(band(resample(x, rate)))))


def framed(x, head_ms, tail_ms):
    """With its silence before and after, as 16-bit samples."""
    padded = np.pad(x, (SAMPLE_RATE * head_ms // 1000, SAMPLE_RATE * tail_ms // 1000))
    return np.round(padded * 32767.0).astype("<i2")
