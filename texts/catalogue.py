"""Read a compiled catalogue.

Ref: GNU gettext manual, section "The Format of GNU MO Files"; Python's gettext reads it.
"""

import struct
from functools import cache
from gettext import GNUTranslations
from pathlib import Path

from rules.errors import ConfigError
from texts.language import Language

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "ongi"


def compiled(language: Language, folder: Path = LOCALE) -> Path:
    """Where the compiled catalogue of a language stands."""
    return folder / language.value / "LC_MESSAGES" / f"{DOMAIN}.mo"


@cache
def load(language: Language, folder: Path = LOCALE) -> GNUTranslations:
    """The catalogue of a language.

    Raises:
        ConfigError: it was not compiled, or the file is none. Nothing is shown in its stead:
            a half-translated alarm would look like a defect of the alarm.

    """
    path = compiled(language, folder)
    right = "run `make setup`, which compiles the texts"
    try:
        with path.open("rb") as file:
            return GNUTranslations(file)
    except FileNotFoundError as error:
        raise ConfigError(str(path), "no such file", right) from error
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise ConfigError(str(path), f"an unreadable catalogue ({error})", right) from error
