"""Every text a person reads: gettext catalogues and their rendering.

A text in the source is its own message id, in English; what the vocabulary names by a key has a
symbolic id (`say.leak`, `alarm_kind.sos`) and a text in every catalogue. The catalogues are
`locale/LANGUAGE/LC_MESSAGES/ongi.po`; `make setup` compiles them.
"""

from texts.language import Language, preferred
from texts.translator import N_, Translator, translator

__all__ = ["N_", "Language", "Translator", "preferred", "translator"]
