"""Logins of the console: passwords kept as Argon2id hashes, checked off the event loop.

Ref: RFC 9106 (Argon2); parameters as argon2-cffi has them by default, its 4.
"""

import asyncio
import secrets
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from central.people import Role, User
from central.store import Store
from rules.errors import Phrase, phrase

PASSWORD_MIN = 10
"Characters. Length is what counts; nothing is asked of their kinds (NIST SP 800-63B, 3.1.1)."
PASSWORD_MAX = 200
NAME_MAX = 40
"A name travels to the homes in news of a case, where 40 characters have room."

# No digits or letters that are mistaken for each other when read out on the telephone.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_AT_ONCE = 2
"Hashing takes 64 MiB each."


class Unacceptable(ValueError):  # noqa: N818 -- says what is the matter, as `LinkLost` does
    """A name or a password that cannot be used; the message says what would be right."""

    def __init__(self, why: Phrase) -> None:
        super().__init__(why)
        self.why = why


class Accounts:
    """Users and their passwords. Made within the event loop."""

    def __init__(self, store: Store, hasher: PasswordHasher | None = None) -> None:
        self._store = store
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def verify(self, name: str, password: str) -> User | None:
        """The user, if the password is right. A name that nobody has takes as long as one."""
        user = await self._store.user(name)
        given = password[:PASSWORD_MAX]
        async with self._turns:
            if user is None:
                await asyncio.to_thread(self._hasher.hash, given)
                return None
            right = await asyncio.to_thread(self._matches, user.password_hash, given)
        return user if right else None

    async def add(self, name: str, password: str, role: Role, by: str, now: datetime) -> None:
        """Add a user.

        Raises:
            Unacceptable: a name or password that cannot be used.
            UserExists: the name is taken.

        """
        user = User(_name(name), await self._hash(password), role, now)
        await self._store.add_user(user, by)

    async def set_password(self, name: str, password: str, by: str, now: datetime) -> None:
        """Give a user a new password and end all of the user's sessions.

        Raises:
            Unacceptable: a password that cannot be used.
            NoSuchUser: nobody has this name.

        """
        await self._store.set_password(name, await self._hash(password), by, now)

    async def _hash(self, password: str) -> str:
        if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
            raise Unacceptable(
                phrase(
                    "a password has {least} to {most} characters, this one has {n}",
                    least=PASSWORD_MIN,
                    most=PASSWORD_MAX,
                    n=len(password),
                )
            )
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    def _matches(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False


def generated_password() -> str:
    """A password to hand out: 60 bits, readable on the telephone."""
    letters = [secrets.choice(_ALPHABET) for _ in range(12)]
    return "-".join("".join(letters[at : at + 4]) for at in (0, 4, 8))


def _name(name: str) -> str:
    if name != name.strip() or not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise Unacceptable(
            phrase(
                "a user's name has 1 to {most} printable characters and no space at its ends",
                most=NAME_MAX,
            )
        )
    return name
