"""Who may use the console: users, their roles and their sessions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a user may do."""

    OPERATOR = "operator"
    "Sees, takes and closes cases."
    TECHNICIAN = "technician"
    "Sees, takes and closes faults; nothing of people in danger."
    ADMIN = "admin"
    "What an operator does, and manages users and homes."


@dataclass(frozen=True, slots=True)
class User:
    """A person with a login."""

    name: str
    password_hash: str
    "Argon2id in its PHC string form."
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A login that is still good."""

    user: User
    created_at: datetime
    expires_at: datetime


class UserExists(ValueError):  # noqa: N818 -- says what is the matter, as `LinkLost` does
    """The name is taken."""


class NoSuchUser(LookupError):  # noqa: N818 -- says what is the matter, as `LinkLost` does
    """Nobody has this name."""
