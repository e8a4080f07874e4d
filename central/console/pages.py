"""Turns what the pages know into HTML, in the reader's language."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from central.cases import Case
from central.console import moments
from central.console.assets import Assets
from central.console.board import home_of, shows_level
from central.console.icons import icon
from rules.events import Outcome
from rules.sentence import Explanation
from texts import Language, Translator, translator

TEMPLATES: Final = Path(__file__).parent / "templates"
LANGUAGES: Final = ((Language.KO, "한국어"), (Language.EN, "English"))
"Each in its own words: who needs the switch cannot read the other ones."

_NUMBER: Final = re.compile(
    r"((?:\+\d{1,3}[ -]?)?"  # the country
    r"(?:\(?\d{2,4}\) ?)?"  # the area, in brackets
    r"(?:\d{2,4}(?:[-.]\d{3,4}){1,2}|\d{2,4}(?: \d{3,4}){2}|\d{7,12}))"
)


@dataclass(frozen=True, slots=True)
class Notice:
    """What came of the last thing a person did, once, on top of the page."""

    message: str
    "A text of the source; translated where it is shown."
    wrong: bool = False
    who: str = ""
    span: timedelta = timedelta()
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a page is rendered, and when."""

    language: Language
    now: datetime
    path: str
    "The page's own address; it fetches itself from there."
    csrf: str


class Pages:
    """Renders templates. One environment per language, compiled once."""

    def __init__(self, assets: Assets, zone: ZoneInfo) -> None:
        self._zone = zone
        self._environments = {
            language: _environment(translator(language), assets) for language in Language
        }

    def render(
        self,
        template: str,
        reader: Reader,
        context: Mapping[str, object],
        status: int = 200,
    ) -> HTMLResponse:
        """One page."""
        environment = self._environments[reader.language]
        html = environment.get_template(template).render(
            language=reader.language,
            languages=LANGUAGES,
            now=reader.now,
            path=reader.path,
            csrf_token=reader.csrf,
            zone=self._zone.key,
            outcomes=tuple(Outcome),
            **self._spoken(reader),
            **{"notice": None, **context},
        )
        return HTMLResponse(html, status)

    def sentences(self, explanation: Explanation, reader: Reader, case: Case) -> list[str]:
        """What the home says, a sentence each."""
        words = translator(reader.language)
        return [words.sentence(one, self._zone, reader.now, case.alarm) for one in explanation]

    def _spoken(self, reader: Reader) -> dict[str, Callable[..., str]]:
        """What depends on the moment and the zone, for the templates."""
        return {
            "say": lambda case: " ".join(self.sentences(case.explanation, reader, case)),
            "short": lambda moment: moments.short(moment, self._zone, reader.now),
            "dated": lambda moment: moments.dated(moment, self._zone),
            "exact": lambda moment: moments.exact(moment, self._zone, reader.now),
        }


def _environment(words: Translator, assets: Assets) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        {
            "_": words.text,
            "ngettext": words.plural,
            "name": words.name,
            "asset": assets.url,
            "icon": icon,
            "home_of": home_of,
            "shows_level": shows_level,
        }
    )
    environment.filters.update(
        {"milliseconds": moments.milliseconds, "span": words.span, "phones": phones}
    )
    return environment


def phones(text: str) -> list[tuple[str, str]]:
    """The text in pieces, each with the number to dial, empty where a piece is none.

    People write several numbers and words between them into one field. A number is dialled as a
    `tel:` address wants it (RFC 3966): digits, and `+` before a country.
    """
    return [
        (piece, "".join(one for one in piece if one in "+0123456789") if place % 2 else "")
        for place, piece in enumerate(_NUMBER.split(text))
        if piece
    ]
