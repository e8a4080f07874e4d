"""What people at the center did with a case reached its gateway.

Each case that was taken or closed more than `NEWS_WITHIN` before the end of the run is so at the
gateway that raised it. Excused: the gateway had to forget the case (`sim.check.forgetting`), or
had more open cases since than it keeps; the center was set back and forgot what was done with it,
and what has been done again since counts by itself.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rules.errors import Phrase, phrase
from rules.events import CaseClosed, CaseTaken
from rules.state import CASES_MAX
from sim.check.forgetting import Forgetting, forgettings
from sim.world.chronicle import Chronicle, Handled, HomeChronicle, Queued

NEWS_WITHIN = timedelta(hours=2)
"Four heartbeats of a center where nothing is urgent."


def unheard(chronicle: Chronicle, home: HomeChronicle) -> Iterator[tuple[Phrase, Phrase]]:
    """What the gateway does not know of its cases: a sentence, and a line of evidence."""
    opened = {queued.id: queued for queued in home.queued}
    taken = {one.event.serial for one in home.decided if isinstance(one.event, CaseTaken)}
    closed = {one.event.serial for one in home.decided if isinstance(one.event, CaseClosed)}
    found = forgettings(chronicle, home)
    for handled in chronicle.handled:
        queued = opened.get(handled.case)
        if queued is None or handled.at + NEWS_WITHIN > chronicle.healed:
            continue
        known = taken if handled.outcome is None else closed
        if queued.seq not in known and not _excused(chronicle, home, found, queued, handled):
            what = phrase("taken") if handled.outcome is None else phrase("closed")
            yield (
                phrase(
                    "Case {number} was {what} at the center, and its gateway does not know.",
                    number=queued.seq,
                    what=what,
                ),
                phrase(
                    "{what} {at}, raised {raised}",
                    what=what,
                    at=handled.at.isoformat(),
                    raised=queued.at.isoformat(),
                ),
            )


def _excused(
    chronicle: Chronicle,
    home: HomeChronicle,
    found: Sequence[Forgetting],
    queued: Queued,
    handled: Handled,
) -> bool:
    if any(back <= handled.at <= restored for restored, back in chronicle.restored):
        return True
    if any(queued.at <= each.cut and (each.damaged or queued.at >= each.since) for each in found):
        return True
    later = sum(queued.at < one.at <= handled.at + NEWS_WITHIN for one in home.queued)
    return later >= CASES_MAX
