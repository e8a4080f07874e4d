"""What would have been raised, old rules beside new ones, on a terminal."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sim.replay.beside import Mark, Moment
from sim.replay.fleet import Result
from sim.replay.replay import Compared
from sim.replay.totals import Total, moments, total
from sim.replay.verdict import Verdict, percentile
from texts import N_, Translator

_MARKS = {
    Mark.ONLY_OLD: (N_("only old"), "yellow"),
    Mark.ONLY_NEW: (N_("only new"), "cyan"),
    Mark.BOTH: (N_("both"), ""),
}


class Printed:
    """Renders in one language, with each home's local times."""

    def __init__(self, say: Translator) -> None:
        self._say = say

    def all(
        self, names: Sequence[str], results: Sequence[Result], limit: int | None
    ) -> RenderableType:
        """Totals, moments, and what could not be read."""
        summed = total(names, results)
        parts: list[RenderableType] = []
        if summed.homes:
            parts.append(self._totals(summed))
            parts += self._moments(names, results, limit, summed)
        parts += self._left_out(names, results)
        return Group(*parts)

    def _totals(self, summed: Total) -> RenderableType:
        _ = self._say.text
        table = _table(
            self._say.plural("{n} home", "{n} homes", summed.homes)
            + f", {summed.span.days / 365:.2f} "
            + _("home-years")
        )
        for column in (_("old"), _("new"), _("only old"), _("only new"), _("both")):
            table.add_column(column, justify="right", overflow="fold")
        for kind in summed.kinds():
            both = [summed.old.count(kind), summed.new.count(kind)]
            table.add_row(
                self._say.name(kind),
                *(_("{n} ({rate} per 30 d)", n=n, rate=f"{summed.per_30d(n):.2f}") for n in both),
                *(str(summed.marked(kind, mark)) for mark in Mark),
            )
        for label, old, new in self._rows(summed.old, summed.new):
            table.add_row(label, old, new, "", "", "")
        return table

    def _rows(self, old: Verdict, new: Verdict) -> Iterator[tuple[str, str, str]]:
        _ = self._say.text
        answered = [
            _("{n}, {answered} answered", n=one.asked, answered=one.answered) for one in (old, new)
        ]
        yield (_("prompts"), answered[0], answered[1])
        yield (_("life came back by itself"), str(old.vain), str(new.vain))
        for percent in (50, 90):
            yield (
                _("silence before an inactivity alarm, p{percent}", percent=percent),
                self._span(percentile(old.silences, percent)),
                self._span(percentile(new.silences, percent)),
            )
        if old.collapses or new.collapses:
            yield (_("collapses found"), self._found(old), self._found(new))
            for percent in (50, 90):
                yield (
                    _("from collapse to alarm, p{percent}", percent=percent),
                    self._span(percentile(old.found, percent)),
                    self._span(percentile(new.found, percent)),
                )

    def _found(self, one: Verdict) -> str:
        return self._say.text(
            "{found} of {all}, {missed} missed",
            found=len(one.found) + one.known,
            all=one.collapses,
            missed=one.missed,
        )

    def _moments(
        self,
        names: Sequence[str],
        results: Sequence[Result],
        limit: int | None,
        summed: Total,
    ) -> Iterator[RenderableType]:
        _ = self._say.text
        shown = moments(names, results, limit)
        every = sum(count for _kind, _mark, count in summed.marks)
        if not every:
            yield Text(_("Neither rulebook raised anything."))
            return
        if shown:
            several = len(names) > 1
            table = _table(_("Time"))
            for column in (*([_("Home")] if several else []), _("Alarm"), _("Level"), _("Rules")):
                table.add_column(column, overflow="fold")
            table.add_column(_("Why"), ratio=1, overflow="fold")
            for name, one, moment in shown:
                table.add_row(*self._moment(name if several else None, one, moment))
            yield table
        if len(shown) < every:
            yield Text(
                _("{n} more are not shown: --limit {every}", n=every - len(shown), every=every),
                style="dim",
            )

    def _moment(self, name: str | None, home: Compared, moment: Moment) -> list[Text]:
        _ = self._say.text
        told = moment.raised
        word, style = _MARKS[moment.mark]
        mark = _(word)
        if moment.old is not None and moment.new is not None and moment.old.at != moment.new.at:
            sooner = moment.new.at < moment.old.at
            span = self._say.span(abs(moment.old.at - moment.new.at))
            mark += ", " + (
                _("{span} sooner", span=span) if sooner else _("{span} later", span=span)
            )
        levels = [str(one.level) for one in (moment.old, moment.new) if one is not None]
        level = levels[0] if len(set(levels)) == 1 else " → ".join(levels)
        alarm = self._say.name(told.key.kind) + (f" ({told.room})" if told.room else "")
        cells = [
            f"{moment.at.astimezone(home.zone):%Y-%m-%d %H:%M}",
            *([name] if name is not None else []),
            alarm,
            level,
            mark,
        ]
        why = self._say.explain(told.explanation, home.zone, told.at, told.key.kind)
        return [Text(cell, style=style) for cell in cells] + [Text(why)]

    def _left_out(
        self, names: Sequence[str], results: Sequence[Result]
    ) -> Iterator[RenderableType]:
        _ = self._say.text
        for name, one in zip(names, results, strict=True):
            if isinstance(one, Compared):
                if one.left_out:
                    kinds = ", ".join(f"{kind} ({count})" for kind, count in one.left_out)
                    yield Text(_("{home}: left out: {kinds}", home=name, kinds=kinds), "dim")
            else:
                yield Text(
                    _(
                        "{where}\n  found: {found}\n  right: {right}",
                        where=one.where,
                        found=self._say.said(one.found),
                        right=self._say.said(one.right),
                    ),
                    style="red",
                )

    def _span(self, span: timedelta | None) -> str:
        return "-" if span is None else self._say.span(span)


def _table(first: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    # Any other overflow takes the blank behind a line of wide letters for a letter that is too
    # many, and cuts a word.
    table.add_column(first, overflow="fold")
    return table
