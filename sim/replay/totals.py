"""What all homes add up to, and the whole of it as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from rules.alarm import AlarmKind
from sim.replay.beside import Mark, Moment
from sim.replay.fleet import Failed, Result
from sim.replay.replay import Compared, Marks
from sim.replay.verdict import Raised, Verdict, percentile, together
from texts import Translator

_MONTH = timedelta(days=30)
_YEAR = timedelta(days=365)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Total:
    """The sum over homes, in their order."""

    homes: int
    failed: tuple[tuple[str, Failed], ...]
    "Names, and why they were not read."
    span: timedelta
    observations: int
    old: Verdict
    new: Verdict
    marks: Marks

    @property
    def home_years(self) -> float:
        return self.span / _YEAR

    def per_30d(self, count: int) -> float:
        """So many as one home has in thirty days."""
        return count / (self.span / _MONTH) if self.span else 0.0

    def marked(self, kind: AlarmKind, mark: Mark) -> int:
        return next((count for k, m, count in self.marks if (k, m) == (kind, mark)), 0)

    def kinds(self) -> list[AlarmKind]:
        """All that either rulebook raised; those of persons in danger first."""
        found = {kind for kind, _, _ in self.marks}
        return [kind for kind in AlarmKind if kind in found]


def total(names: Sequence[str], results: Sequence[Result]) -> Total:
    """Add up."""
    compared = [result for result in results if isinstance(result, Compared)]
    marks: Counter[tuple[AlarmKind, Mark]] = Counter()
    for one in compared:
        marks.update({(kind, mark): count for kind, mark, count in one.marks})
    return Total(
        homes=len(compared),
        failed=tuple(
            (name, result)
            for name, result in zip(names, results, strict=True)
            if isinstance(result, Failed)
        ),
        span=sum((one.span for one in compared), timedelta()),
        observations=sum(one.observations for one in compared),
        old=together(one.old for one in compared),
        new=together(one.new for one in compared),
        marks=tuple((kind, mark, count) for (kind, mark), count in sorted(marks.items())),
    )


def moments(
    names: Sequence[str], results: Sequence[Result], limit: int | None
) -> list[tuple[str, Compared, Moment]]:
    """Home by home, in order of time; at most `limit`."""
    found = [
        (name, result, moment)
        for name, result in zip(names, results, strict=True)
        if isinstance(result, Compared)
        for moment in result.moments
    ]
    return found[:limit]


def as_json(
    names: Sequence[str], results: Sequence[Result], limit: int | None, say: Translator
) -> dict[str, object]:
    """All of it, with sentences in one language; spans in hours."""
    summed = total(names, results)
    return {
        "homes": summed.homes,
        "home_years": round(summed.home_years, 4),
        "observations": summed.observations,
        "old": _verdict(summed, summed.old),
        "new": _verdict(summed, summed.new),
        "marks": {
            kind.value: {mark.value: summed.marked(kind, mark) for mark in Mark}
            for kind in summed.kinds()
        },
        "moments": [
            {
                "home": name,
                "at": moment.at.astimezone(one.zone).isoformat(timespec="seconds"),
                "alarm": str(moment.raised.key),
                "mark": moment.mark.value,
                "old": _raised(moment.old, one, say),
                "new": _raised(moment.new, one, say),
            }
            for name, one, moment in moments(names, results, limit)
        ],
        "moments_in_all": sum(count for _, _, count in summed.marks),
        "left_out": {
            name: dict(one.left_out)
            for name, one in zip(names, results, strict=True)
            if isinstance(one, Compared) and one.left_out
        },
        "failed": [
            {"home": name, "where": why.where, "found": why.found, "right": why.right}
            for name, why in summed.failed
        ],
    }


def _verdict(summed: Total, one: Verdict) -> dict[str, object]:
    return {
        "raised": dict(one.raised),
        "per_30d": {kind: round(summed.per_30d(count), 3) for kind, count in one.raised},
        "prompts": one.asked,
        "prompts_answered": one.answered,
        "silence_p50_h": hours(percentile(one.silences, 50)),
        "silence_p90_h": hours(percentile(one.silences, 90)),
        "false": one.vain,
        "false_per_30d": round(summed.per_30d(one.vain), 3),
        "collapses": one.collapses,
        "found": len(one.found),
        "found_p50_h": hours(percentile(one.found, 50)),
        "found_p90_h": hours(percentile(one.found, 90)),
        "known_before": one.known,
        "missed": one.missed,
    }


def _raised(one: Raised | None, home: Compared, say: Translator) -> dict[str, object] | None:
    if one is None:
        return None
    return {
        "at": one.at.astimezone(home.zone).isoformat(timespec="seconds"),
        "until": one.until and one.until.astimezone(home.zone).isoformat(timespec="seconds"),
        "level": one.level,
        "room": one.room,
        "silence_h": hours(one.silence),
        "explanation": say.explain(one.explanation, home.zone, one.at, one.key.kind),
    }


def hours(span: timedelta | None) -> float | None:
    """Hours to two places."""
    return None if span is None else round(span / _HOUR, 2)
