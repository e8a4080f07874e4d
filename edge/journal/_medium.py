"""What the journal is kept on: something that can fail at any time, and may come back."""

from collections.abc import Sequence
from typing import Protocol

from edge.journal._rows import Change, Contents


class Medium(Protocol):
    """Writes what the journal holds in memory, while that is possible.

    An `sqlite3.Error` whose `sqlite_errorcode` is CORRUPT or NOTADB says that what lies there is
    damaged; all other errors that it is full, refuses, or is gone. A method that names no error
    raises none.
    """

    @property
    def name(self) -> str:
        """What a technician knows the journal by."""

    @property
    def attached(self) -> bool:
        """Every change so far is durable."""

    def attach(self, sequence: int) -> None:
        """Begin to write on the journal as it stands.

        Raises:
            OSError, sqlite3.Error: the medium would not take it.

        """

    def place(self, contents: Contents, sequence: int, *, keep_old: bool) -> None:
        """Put a whole journal in the old one's place, which is kept aside or dropped, and attach.

        Cut short, the next start finds either all of the old one or all of the new one.

        Raises:
            OSError, sqlite3.Error: the medium would not take it.

        """

    def write(self, changes: Sequence[Change]) -> None:
        """Make the changes durable, all or none, before returning. Asked while attached only.

        Raises:
            sqlite3.Error: the medium would not take them.

        """

    def detach(self) -> None:
        """Leave the journal as it stands."""

    def close(self, sequence: int) -> None:
        """Leave the journal in good order, if that is possible."""

    def present(self) -> bool:
        """Whether the journal is still there: somebody may have deleted it.

        Raises:
            OSError: nobody can tell.

        """

    def keep_good(self, contents: Contents) -> None:
        """Renew the copy that a damaged journal is restored from.

        Raises:
            OSError: the medium would not take it; the old copy stands.

        """

    def note_sequence(self, sequence: int) -> None:
        """Durably note, beside the journal, that OSCORE numbers below this may be used.

        Raises:
            OSError: the medium would not take it; the old note stands.

        """

    def reserve_room(self) -> None:
        """Occupy room that alarms can have when the medium is full.

        Raises:
            OSError: there is no such room.

        """

    def give_room(self) -> bool:
        """Give up the occupied room; whether there was any."""
