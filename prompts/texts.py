"""Reads texts.yaml without a YAML library, so that checking needs nothing but Python itself.

The file uses a small part of YAML: an id at the margin, then `key: "value"` lines indented by two spaces.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("zh-CN", "en")
KEYS = {*LANGUAGES, *(f"say-{language}" for language in LANGUAGES), "joined", "slow"}

_ID = re.compile(r"^([a-z][a-z0-9_]*):$")
_ENTRY = re.compile(r"^  ([A-Za-z-]+): (true|\".*\")$")


class TextsError(Exception):
    """texts.yaml is wrong; the message names file and line."""


@dataclass
class Prompt:
    """One prompt: what is said in each language, and how the engine must read it where that differs."""

    id: str
    values: dict

    def text(self, language):
        """The words as they stand in the manifest, or None if this language does not need the prompt."""
        return self.values.get(language)

    def spoken(self, language):
        """The words as the speech engine gets them."""
        return self.values.get(f"say-{language}") or self.values.get(language)

    @property
    def joined(self):
        """Played end to end with other prompts: shorter silence around it."""
        return self.values.get("joined", False)

    @property
    def slow(self):
        """Spoken slowly, for who hears better so."""
        return self.values.get("slow", False)


def load(path):
    """All prompts of the file in its order. Raises TextsError with the line number."""
    prompts = {}
    current = None
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if found := _ID.match(line):
            current = found.group(1)
            if current in prompts:
                raise TextsError(f"{path}:{number}: `{current}` is there twice")
            prompts[current] = Prompt(current, {})
        elif (found := _ENTRY.match(line)) and current:
            key, value = found.groups()
            if key not in KEYS:
                raise TextsError(f"{path}:{number}: unknown key `{key}`, one of {', '.join(sorted(KEYS))}")
            prompts[current].values[key] = json.loads(value)
        else:
            raise TextsError(f"{path}:{number}: neither `id:` nor `  key: \"value\"`")
    for prompt in prompts.values():
        number_word = prompt.id.startswith("num_")
        missing = [language for language in LANGUAGES if not prompt.text(language)]
        if missing and not (number_word and len(missing) == 1):
            raise TextsError(f"{path}: `{prompt.id}` has no text in {' and '.join(missing)}")
    return list(prompts.values())
