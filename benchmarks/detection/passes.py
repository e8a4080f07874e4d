"""What runs in a worker: the evidence of a home, and then each method on one of its streams."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import nan
from random import Random

from benchmarks.detection import noise, ours, rivals, weather
from benchmarks.detection.asked import CENSORED_S, OURS, Budget, Noise
from benchmarks.detection.noise import Source, Spurious
from benchmarks.detection.record import Record
from benchmarks.detection.run import Run
from benchmarks.detection.scored import CLEAN, OUTAGE, Failed, Home, Key, Part, Scored
from benchmarks.detection.stream import Stream, opened
from benchmarks.detection.weather import CALM, Weather
from rules.errors import ConfigError, phrase, unreadable
from rules.observation import DeviceId, Observation, Phenomenon, Value

_CENSORED = timedelta(seconds=CENSORED_S)


def evidence(home: Home) -> Record | Failed:
    """Listen to a home once."""
    try:
        stream = opened(home)
    except ConfigError as error:
        return Failed(error.where, error.found, error.right)
    except OSError as error:
        return Failed(home.name, unreadable(error), phrase("a readable file"))
    run = Run(ours.watching(stream.book), stream)
    outside = stream.outside_doors
    doors: list[float] = []
    last: dict[DeviceId, Value] = {}
    for at, item in stream.told:
        run.hear(item, at)
        if (
            isinstance(item, Observation)
            and item.phenomenon is Phenomenon.CONTACT_OPEN
            and item.device in outside
            and last.get(item.device, False) != item.value
        ):
            last[item.device] = item.value
            doors.append(stream.seconds(at))
    return Record(
        name=stream.name,
        begin_s=stream.seconds(stream.begin),
        end_s=stream.seconds(stream.end),
        signs=_distinct(stream, run.signs),
        doors=doors,
        has_door=bool(outside),
        has_motion=stream.has_motion,
        left_out=stream.left_out,
    )


def score(part: Part) -> dict[Key, Scored]:
    """Every method on one stream of a home."""
    stream, record, asked = opened(part.home), part.record, part.asked
    moments = record.moments(asked.moments, Random(f"{asked.seed}/{record.name}/moments"))
    sky = CALM
    if part.is_outage:
        random = Random(f"{asked.seed}/{record.name}/outage")
        sky = weather.drawn(stream.devices, stream.begin, stream.end, random)
        found = dict(_rivals_in_outage(part, stream, sky, moments))
    else:
        found = dict(_rivals(part, stream, moments))
    for method in OURS:
        if method in asked.methods:
            for budget in Budget:
                found[method, budget] = _ours(part, stream, sky, moments, (method, budget))
    return found


# ----------------------------------------------------------------------------------------- rivals


def _rules(part: Part, record: Record) -> Iterator[tuple[Key, rivals.Rival]]:
    for method in part.asked.methods:
        if method not in OURS:
            for budget in Budget:
                yield (method, budget), rivals.rival(method, record, budget, part.prior)


def _rivals(part: Part, stream: Stream, moments: Sequence[float]) -> Iterator[tuple[Key, Scored]]:
    """On the clean stream, and with noise after the collapse."""
    record = part.record
    rules = dict(_rules(part, record))
    if not rules:
        return
    streams = _counted(part, stream, moments)
    streams[CLEAN] = [[] for _ in moments]
    for key, rule in rules.items():
        scored = Scored(counts=record.for_nothing(rivals.alarms(rule, record.signs)))
        for name, counted in streams.items():
            scored.delays[name] = [
                _delay(rule, record, moment, signs)
                for moment, signs in zip(moments, counted, strict=True)
            ]
        yield key, scored


def _delay(rule: rivals.Rival, record: Record, moment: float, counted: Sequence[float]) -> float:
    silence = record.silence_at(moment)
    assert silence is not None, "moments lie within silences"
    if rivals.alarm_after(rule, silence[0], (), moment) <= moment:
        return nan
    return min(rivals.alarm_after(rule, silence[0], counted, moment) - moment, CENSORED_S)


def _counted(part: Part, stream: Stream, moments: Sequence[float]) -> dict[str, list[list[float]]]:
    """For each kind of noise and each moment the spurious events that the engine counts."""
    found = noise.sources(stream.devices)
    run = Run(ours.watching(stream.book), stream)
    counted: dict[str, list[list[float]]] = {name.value: [] for name in Noise}
    for number, at in enumerate(_halts(run, stream, moments)):
        for name in Noise:
            events = _spurious(part, found, name, number, at)
            signs = run.fallen().counted(events) if events else []
            counted[name.value].append([stream.seconds(sign) for sign in signs])
    return counted


def _rivals_in_outage(
    part: Part, stream: Stream, sky: Weather, moments: Sequence[float]
) -> Iterator[tuple[Key, Scored]]:
    """With the evidence that is left, and alarms that wait for the gateway."""
    run = Run(ours.watching(stream.book), stream, sky)
    for at, item in stream.told:
        run.hear(item, at)
    heard = replace(part.record, signs=_distinct(stream, run.signs))
    begins = [heard.begin_s, *heard.signs]

    def waits(at: float) -> float:
        return stream.seconds(sky.waits(stream.at(at)))

    for key, rule in _rules(part, heard):
        raised = [waits(at) for at in rivals.alarms(rule, heard.signs)]
        place, delays = 0, []
        for moment in moments:
            while place + 1 < len(begins) and begins[place + 1] <= moment:
                place += 1
            alarm = waits(rivals.alarm_after(rule, begins[place], (), moment))
            delays.append(nan if alarm <= moment else min(alarm - moment, CENSORED_S))
        counts = part.record.for_nothing(raised)
        yield key, Scored(delays={OUTAGE: delays}, outage_counts=counts)


# ------------------------------------------------------------------------------------------- ours


def _ours(part: Part, stream: Stream, sky: Weather, moments: Sequence[float], key: Key) -> Scored:
    """The engine with the learned rule."""
    record, asked = part.record, part.asked
    random = Random(f"{asked.seed}/{record.name}/answers")
    run = Run(
        ours.book(*key, stream.book),
        stream,
        sky,
        ours.answers(record, stream, asked.answers, random),
    )
    streams = (OUTAGE,) if part.is_outage else (CLEAN, *Noise)
    found = noise.sources(stream.devices)
    scored = Scored(delays={str(name): [] for name in streams})
    for number, at in enumerate(_halts(run, stream, moments)):
        if run.is_raised:
            for delays in scored.delays.values():
                delays.append(nan)
            continue
        quiet = run.alarm_if_silent(at, at + _CENSORED)
        scored.delays[streams[0]].append(_waited(at, quiet))
        for name in streams[1:]:
            alarm = quiet
            events = _spurious(part, found, Noise(name), number, at)
            if events and (quiet is None or events[0].at < quiet):
                alarm = run.fallen().first_alarm(events, at, at + _CENSORED)
            scored.delays[name].append(_waited(at, alarm))
    counts = record.for_nothing(map(stream.seconds, run.alarms))
    if part.is_outage:
        scored.outage_counts = counts
    else:
        scored.counts = counts
        within = [
            is_answered
            for at, is_answered in run.prompts
            if record.scored_from <= stream.seconds(at) < record.scored_until
        ]
        scored.prompts, scored.unanswered = len(within), within.count(False)
    return scored


def _waited(at: datetime, alarm: datetime | None) -> float:
    return CENSORED_S if alarm is None else (alarm - at).total_seconds()


# -------------------------------------------------------------------------------------------- both


def _halts(run: Run, stream: Stream, moments: Iterable[float]) -> Iterator[datetime]:
    """Let the home live through, stopping at each moment, which is yielded."""
    coming = iter(moments)
    halt = next(coming, None)
    at = None if halt is None else stream.at(halt)
    for told, item in stream.told:
        while at is not None and at < told:
            run.until(at)
            yield at
            halt = next(coming, None)
            at = None if halt is None else stream.at(halt)
        run.hear(item, told)
    assert at is None, "moments lie before the last sign of life"


def _spurious(
    part: Part, found: Sequence[Source], name: Noise, number: int, at: datetime
) -> list[Spurious]:
    """The same events for every method."""
    random = Random(f"{part.asked.seed}/{part.record.name}/{name}/{number}")
    return list(noise.drawn(found, name, at, random))


def _distinct(stream: Stream, signs: Iterable[datetime]) -> list[float]:
    """In seconds, rising, each once."""
    found: list[float] = []
    for sign in map(stream.seconds, signs):
        if not found or sign > found[-1]:
            found.append(sign)
    return found
