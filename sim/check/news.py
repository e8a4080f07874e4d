"""What people at the center did with a case reached its gateway.

Each case that was taken or closed more than `NEWS_WITHIN` before the end of the run is so at the
gateway that raised it. Excused: the gateway had to forget the case (`sim.check.forgetting`), or
had more open cases since than it keeps; the center was set back and forgot what was done with it;
the gateway called again, by a higher level, after its case was closed and before it could hear of
that, so that the case waits anew. What has been done again since counts by itself.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rules.errors import Phrase, phrase
from rules.events import CaseClosed, CaseTaken, Stage
from rules.state import CASES_MAX
from sim.check.forgetting import Forgetting, forgettings
from sim.check.outages import outages
from sim.check.spans import Span, past
from sim.world.chronicle import Chronicle, Handled, HomeChronicle, Queued

NEWS_WITHIN = timedelta(hours=2)
"Four heartbeats of a center where nothing is urgent."


def unheard(chronicle: Chronicle, home: HomeChronicle) -> Iterator[tuple[Phrase, Phrase]]:
    """What the gateway does not know of its cases: a sentence, and a line of evidence."""
    opened = {queued.id: queued for queued in home.queued}
    taken = {one.event.serial for one in home.decided if isinstance(one.event, CaseTaken)}
    closed = {one.event.serial for one in home.decided if isinstance(one.event, CaseClosed)}
    found, bad = forgettings(chronicle, home), outages(chronicle, home)
    for handled in chronicle.handled:
        queued = opened.get(handled.case)
        if queued is None or handled.at + NEWS_WITHIN > chronicle.healed:
            continue
        known = taken if handled.outcome is None else closed
        if queued.seq not in known and not (
            _excused(chronicle, home, found, queued, handled)
            or _waits_anew(chronicle, home, bad, handled)
        ):
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


def _waits_anew(
    chronicle: Chronicle, home: HomeChronicle, bad: Sequence[Span], handled: Handled
) -> bool:
    """Whether the case was called for again, once closed, before the news of it was due."""
    closed = [
        one.at
        for one in chronicle.handled
        if one.case == handled.case and one.outcome is not None and one.at >= handled.at
    ]
    due = past(handled.at + NEWS_WITHIN, bad)
    newest = 0
    for one in home.arrived:
        record = one.record
        # One that a newer one has overtaken opens nothing.
        if record.refers == handled.case and one.new and record.seq > newest:
            newest = record.seq
            if record.stage is Stage.LEVEL and closed and closed[0] <= one.at <= due:
                return True
    return False
