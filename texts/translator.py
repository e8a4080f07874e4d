"""One reader's language: texts, names, moments and the sentences of alarms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from functools import cache
from gettext import GNUTranslations

from rules.alarm import AlarmKind
from rules.command import Signal
from rules.errors import Phrase
from rules.observation import Phenomenon
from rules.sentence import Argument, Explanation, Sentence
from texts import times
from texts.catalogue import load
from texts.language import Language
from texts.template import fill

_FIELD = re.compile(r"\{(\w+)\}")
_KEYED = {"reason": "reason", "driver": "link"}
"Arguments whose words may be a key, and the ids under which those keys are translated."
_LONGEST_BITS = 64
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def N_(message: str) -> str:  # noqa: N802 -- gettext's own name for it, known to every extractor
    """Mark a text that is translated later, where it is shown."""
    return message


@dataclass(frozen=True, slots=True)
class Translator:
    """All that is put into words, in one language."""

    language: Language
    _catalogue: GNUTranslations

    def text(self, message: str, /, **words: object) -> str:
        """A text of the source, translated, with `{name}` replaced by the word of that name."""
        return _put(self._catalogue.gettext(message), words)

    def said(self, words: str, /) -> str:
        """A phrase in this language, and its words that are phrases; anything else as it is."""
        if not isinstance(words, Phrase):
            return words
        inner = {name: self.said(word) for name, word in words.words.items()}
        return self.text(words.template, **inner) if words.template else ""

    def plural(self, one: str, many: str, count: int, /, **words: object) -> str:
        """The form that fits `count`, which stands for `{n}`."""
        return _put(self._catalogue.ngettext(one, many, count), {"n": count, **words})

    def name(self, member: Enum) -> str:
        """The word for a member of the vocabulary: `AlarmKind.LEAK` is 침수, Water.

        A member without a word is shown as the code writes it.
        """
        return self._known(name_id(member)) or member.name.lower()

    def resident(self, signal: Signal) -> str:
        """What a voice or a display says to the resident, in plain and polite words."""
        return self._catalogue.gettext(f"resident.{signal.value}")

    def moment(self, at: datetime, zone: tzinfo, now: datetime | None = None) -> str:
        """`14시 20분`, `14:20`; with the day when it is not today, or when `now` is not given."""
        return times.moment(at, zone, now, self.text)

    def span(self, length: timedelta) -> str:
        """`7시간 20분`, `7 h 20 min`."""
        return times.span(length, self.text)

    def sentence(
        self,
        sentence: Sentence,
        zone: tzinfo,
        now: datetime | None = None,
        alarm: AlarmKind | None = None,
    ) -> str:
        """One sentence. Never raises.

        A gateway newer or older than this catalogue may send other arguments: those that are not
        asked for are left out; where one is lacking, a general sentence names the alarm (if given)
        and everything that did come, so that nothing is lost to the reader.
        """
        words = {name: self._word(name, value, zone, now) for name, value in sentence.arguments}
        template = self._known(f"say.{sentence.say}")
        said = None if template is None else fill(template, words)
        if said:
            return said
        given = {
            "given": ", ".join(word for word in words.values() if word),
            "alarm": "" if alarm is None else self.name(alarm),
        }
        return fill(self.text("sentence.unreadable"), given) or ""

    def explain(
        self,
        explanation: Explanation,
        zone: tzinfo,
        now: datetime | None = None,
        alarm: AlarmKind | None = None,
    ) -> str:
        """All sentences of an alarm, one after the other."""
        return " ".join(self.sentence(one, zone, now, alarm) for one in explanation)

    def _known(self, symbol: str) -> str | None:
        found = self._catalogue.gettext(symbol)
        return None if found == symbol else found

    def _word(self, name: str, value: Argument, zone: tzinfo, now: datetime | None) -> str:
        match value:
            case Phenomenon():
                return self._known(f"evidence.{value}") or value.value
            case datetime():
                return self.moment(value, zone, now)
            case timedelta():
                return self.span(value)
            case float():
                return f"{value:.1f}".removesuffix(".0")
            case int() if value.bit_length() > _LONGEST_BITS:
                return "…"  # Nothing measured; and Python refuses to write thousands of digits.
            case str() if name in _KEYED:
                return self._known(f"{_KEYED[name]}.{value}") or _printable(self.text(value))
            case _:
                return _printable(str(value))


@cache
def translator(language: Language) -> Translator:
    """The translator of a language.

    Raises:
        ConfigError: its catalogue was not compiled; the message says how.

    """
    return Translator(language, load(language))


def name_id(member: Enum) -> str:
    """Message id of a member's word: `alarm_kind.home_blind`."""
    return f"{_HUMP.sub('_', type(member).__name__).lower()}.{member.name.lower()}"


def _printable(word: str) -> str:
    """A name from a registry or a peer: nothing in it may steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in word)


def _put(template: str, words: Mapping[str, object]) -> str:
    return _FIELD.sub(lambda field: str(words.get(field[1], field[0])), template)
