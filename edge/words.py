"""What sensors measure and how they are received, in a technician's words."""

from enum import Enum
from typing import Final

from rules.air import Reception
from rules.observation import Phenomenon, Press, Value
from texts import N_, Translator

_UNITS: Final = {
    "w": "W",
    "wh": "Wh",
    "v": "V",
    "a": "A",
    "lx": "lx",
    "ppm": "ppm",
    "c": "°C",
    "pct": "%",
}
"By the last part of a phenomenon's name."
_TREND_DB: Final = 4.0
"Less is the weather and people who walk about."


class Strength(Enum):
    """How strongly something is received: from so many dBm on, in words, bars and a colour."""

    STRONG = (-60.0, N_("strong"), "▂▄▆█", "green")
    GOOD = (-72.0, N_("good"), "▂▄▆ ", "green")
    WEAK = (-84.0, N_("weak"), "▂▄  ", "yellow")
    FAINT = (-1000.0, N_("very weak"), "▂   ", "red")

    def __init__(self, from_dbm: float, word: str, bars: str, colour: str) -> None:
        self.from_dbm = from_dbm
        self.word = word
        self.bars = bars
        self.colour = colour

    @classmethod
    def of(cls, rssi_dbm: float) -> "Strength":
        """The strength of so many dBm."""
        return next((each for each in cls if rssi_dbm >= each.from_dbm), cls.FAINT)


def reading_in_words(say: Translator, phenomenon: Phenomenon, value: Value) -> str:
    """`Power 31.5 W`, `Motion yes`, `Button pressed twice`, `Contact open`."""
    if phenomenon is Phenomenon.CONTACT_OPEN:
        # "Contact no" would be taken for a door that stands open.
        return say.text("Contact open") if value else say.text("Contact closed")
    return f"{say.name(phenomenon)} {_value(say, phenomenon, value)}"


def _value(say: Translator, phenomenon: Phenomenon, value: Value) -> str:
    match value:
        case Press():
            return say.name(value)
        case bool():
            return say.text("yes") if value else say.text("no")
        case _:
            unit = _UNITS.get(phenomenon.rpartition("_")[2], "")
            return f"{value:.1f}".removesuffix(".0") + (f" {unit}" if unit else "")


def strength_in_words(say: Translator, rssi_dbm: float) -> str:
    """`-62 dBm strong`: what a colour says is said in a word too."""
    return f"{rssi_dbm:.0f} dBm {say.text(Strength.of(rssi_dbm).word)}"


def reception_in_words(say: Translator, reception: Reception) -> str:
    """`-62 dBm strong; 7 dB weaker than yesterday; drowned out by other radio, Wi-Fi mostly`."""
    words = (strength_in_words(say, reception.rssi_dbm), change_in_words(say, reception))
    return "; ".join(filter(None, words))


def change_in_words(say: Translator, reception: Reception) -> str:
    """What is otherwise than it was yesterday; empty if nothing is, or it is not known yet."""
    words = []
    if abs(reception.trend_db) >= _TREND_DB:
        n = f"{abs(reception.trend_db):.0f}"
        if reception.trend_db < 0:
            words.append(say.text("{n} dB weaker than yesterday", n=n))
        else:
            words.append(say.text("{n} dB stronger than yesterday", n=n))
    if reception.drowned:
        words.append(say.text("drowned out by other radio, Wi-Fi mostly"))
    return "; ".join(words)


def refusal_in_words(say: Translator, why: str) -> str:
    """Why a frame is not believed, by `drivers.refused.Why`."""
    symbol = f"reason.{why}"
    said = say.text(symbol)
    return why if said == symbol else said
