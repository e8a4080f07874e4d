"""How a person spends a day: what is fixed by the clock, and this and that between."""

from collections.abc import Callable
from datetime import datetime
from operator import itemgetter

from rules.events import AwayReason
from rules.inputs import Away
from sim.homes import names
from sim.homes.act import Announced, Scene, SlowHarm, SlowKind
from sim.homes.body import Guest, Room
from sim.homes.course import Course, Manner, Mood
from sim.homes.draw import exponential, normal, within
from sim.homes.ledger import HOUR, MINUTE, Ledger
from sim.homes.person import Person, Today
from sim.homes.season import Weather

STAFF = "복지사"
"Who announces an absence."

_Plan = list[tuple[float, Callable[[], None]]]

_LATE = 150
"Minutes after which what was planned is given up."
_NIGHT_EARLIEST = 60
_WANDERS_FROM, _WANDERS_TO = 2 * 60, 4 * 60


class Days:
    """One person's life, day by day."""

    def __init__(self, person: Person, course: Course, ledger: Ledger, guest: Guest) -> None:
        self._person = person
        self._course = course
        self._ledger = ledger
        self._guest = guest
        self._mood: Mood | None = None
        self._wakes = 0.0
        self._suffers: set[SlowKind] = set()

    def live(self, midnight: int, weekday: int, weather: Weather) -> None:
        """One day from getting up to the end of the night after it, with the next one in mind."""
        mood = self._mood or self._course.mood()
        wakes = self._wakes or self._wake(mood, weekday)
        # Nobody sleeps longer because of what comes on the morrow, but the night ends with it.
        following = self._mood = self._course.mood()
        self._wakes = self._wake(following, (weekday + 1) % 7)
        person = self._person
        ill = mood.manner is Manner.ILL
        person.today = Today(midnight, weekday, weather, ill, mood.lively, mood.eats)
        self._note_slow_harm(midnight, mood)
        if mood.manner is Manner.AWAY:
            return
        body = person.body
        # A night outside may last longer than the night.
        body.at = max(person.today.at(wakes), body.at + MINUTE)
        person.begin_day()
        plan = self._plan(mood, wakes)
        if mood.manner is Manner.RETURNS:
            back = person.today.at(within(person.random, 900, 130, 620, 1180))
            self._return(mood, back)
        else:
            self._get_up()
        for minute, do in plan:
            at = person.today.at(minute)
            if at >= body.at:
                person.pass_time(at)
            elif body.at - at > _LATE * MINUTE:
                continue
            do()
            if not body.is_home(body.at):
                return
        self._sleep(person.today.at(1440 + self._wakes))

    def _note_slow_harm(self, midnight: int, mood: Mood) -> None:
        """What a day shows of the course of the months."""
        for kind, there in ((SlowKind.NOT_EATING, not mood.eats), (SlowKind.DECLINE, mood.weak)):
            if there is not (kind in self._suffers):
                self._suffers ^= {kind}
                moment = self._ledger.moment(midnight)
                self._ledger.put(midnight, SlowHarm(moment, kind, ends=not there))

    # ----------------------------------------------------------------------------------- the plan

    def _wake(self, mood: Mood, weekday: int) -> float:
        character, random = self._person.character, self._person.random
        late = 12.0 if weekday == 6 else 0.0
        if random.random() < character.whims:
            # A bad night, a tablet.
            late += random.uniform(45, 180)
        return within(random, character.wake + mood.later + late, character.wake_sd, 200, 780)

    def _plan(self, mood: Mood, wakes: float) -> _Plan:
        """What the day has at which minute, in order; bed comes after all of it."""
        person, character, random = self._person, self._person.character, self._person.random
        today = person.today
        ill, later = today.is_ill, mood.later
        plan: _Plan = []

        def meal(chance: float, minute: float, sd: float, scene: Scene, *, big: bool) -> None:
            if random.random() < chance * (0.55 if ill else 1) and today.eats:
                at = normal(random, minute + later, sd)
                plan.append((at, lambda: person.eat(scene, big=big)))

        meal(character.breakfast, wakes + 42 - later, 10, Scene.BREAKFAST, big=True)
        meal(character.lunch, 742, 16, Scene.LUNCH, big=False)
        meal(character.dinner, 1080, 18, Scene.DINNER, big=True)
        plan.append((wakes + 85, person.take_up_day))
        if random.random() < character.nap:
            at = normal(random, 830 + later, 25)
            plan.append((at, self._nap))
        if mood.manner is Manner.LEAVES:
            hospital = mood.reason is AwayReason.HOSPITAL
            at = random.uniform(wakes + 60, 1200) if hospital else normal(random, 640, 60)
            plan.append((at, lambda: self._go_away(mood)))
        elif not ill and mood.manner is not Manner.RETURNS:
            self._plan_week(plan, mood)
        evening = within(random, character.bed + later, character.bed_sd, 1140, 1560)
        if random.random() < 0.4:
            plan.append((evening - 90, lambda: person.toilet(washes=True)))
        plan.append((evening, lambda: None))
        plan.sort(key=itemgetter(0))
        return [one for one in plan if one[0] <= evening]

    def _plan_week(self, plan: _Plan, mood: Mood) -> None:
        person, character, random = self._person, self._person.character, self._person.random
        today = person.today
        # Heavy rain, frost and great heat keep people in.
        weather = today.weather
        fair = 0.6 if weather.cloud > 0.85 or weather.mean_c < -5 or weather.mean_c > 29 else 1.0
        fair *= today.lively
        carer = character.carer[today.weekday]
        if carer:
            plan.append((normal(random, character.carer_at, 6), self._be_cared_for))
        if random.random() < character.outings[today.weekday] * fair and not (
            carer and self._meets_carer(character.outing_at)
        ):
            plan.append((normal(random, character.outing_at + mood.later, 22), self._go_out))
        if random.random() < character.afternoons * fair and not (
            carer and self._meets_carer(character.afternoon_at)
        ):
            plan.append((normal(random, character.afternoon_at, 25), self._go_out))
        elif random.random() < character.visits / 7:
            plan.append((normal(random, 900, 60), self._be_visited))
        if random.random() < character.washes / 7:
            plan.append((normal(random, character.wake + 170, 40), self._launder))
        if random.random() < character.cleans / 7:
            plan.append((normal(random, character.wake + 140, 35), person.clean))

    def _meets_carer(self, out: float) -> bool:
        """Whether who goes out then would miss the carer, or leave one alone."""
        character = self._person.character
        came = character.carer_at
        return came - character.outing_min - 90 < out < came + character.carer_min + 90

    # ----------------------------------------------------------------------------- what is planned

    def _get_up(self) -> None:
        person = self._person
        body, random = person.body, person.random
        body.room = Room.BEDROOM
        body.settle(names.BED, occupied=False)
        body.sees(Room.BEDROOM, Scene.WAKES)
        person.see_to_heater(found=True)
        person.toilet(washes=random.random() < 0.7)
        if random.random() < 0.5:
            body.walk(Room.BEDROOM)
            body.touch(names.WARDROBE, 10, 60)
        if random.random() < 0.55:
            person.drink()

    def _nap(self) -> None:
        person = self._person
        person.put_out()
        span = within(person.random, person.character.nap_min, 18, 12, 180)
        person.lie(person.body.at + int(span * MINUTE))

    def _go_out(self) -> None:
        person = self._person
        person.put_out(for_long=True)
        body = person.body
        mean = person.character.outing_min
        minutes = within(person.random, mean, 0.35 * mean, 12, 420)
        if person.random.random() < person.character.whims:
            # A wedding in another town, a day in the hills.
            minutes = person.random.uniform(240, 660)
        body.leave()
        body.come_home(body.at + int(minutes * MINUTE))
        person.see_to_heater(found=True)
        if person.random.random() < 0.5:
            body.walk(Room.KITCHEN)
            body.touch(names.FRIDGE_DOOR, 6, 40)

    def _launder(self) -> None:
        person = self._person
        done = person.launder()
        person.pass_time(done + int(exponential(person.random, 12 * MINUTE)))
        person.hang_up()

    def _open_for_guest(self) -> int:
        """Let somebody in; returns when."""
        body = self._person.body
        body.walk(Room.HALL)
        body.touch(names.FRONT_DOOR, 6, 20)
        return body.at

    def _be_visited(self) -> None:
        minutes = within(self._person.random, 75, 35, 10, 240)
        came = self._open_for_guest()
        self._guest.visit(came, came + int(minutes * MINUTE), works=False)
        self._person.drink()

    def _be_cared_for(self) -> None:
        minutes = within(self._person.random, self._person.character.carer_min, 12, 15, 240)
        came = self._open_for_guest()
        self._guest.visit(came, came + int(minutes * MINUTE), works=True)

    # ------------------------------------------------------------------------------------- away

    def _go_away(self, mood: Mood) -> None:
        person, random = self._person, self._person.random
        if mood.reason is AwayReason.TRIP:
            person.body.busy(Room.BEDROOM, 12)
        person.put_out(for_long=True)
        person.body.leave()
        if not mood.announced:
            return
        left = person.body.at
        # A trip is told of on the doorstep or by telephone; a stay in hospital when it is known.
        mean, most = (1.5, 8) if mood.reason is AwayReason.TRIP else (7.0, 30)
        at = left + min(most * HOUR, int(exponential(random, mean) * HOUR))
        back = person.today.midnight + (mood.days_left + 1) * 24 * HOUR
        until = self._until(at, back)
        self._ledger.put(at, Announced(self._ledger.moment(at), Away(mood.reason, STAFF, until)))

    def _until(self, at: int, back: int) -> datetime | None:
        """What is said of the return: often nothing, or a day more or less."""
        random = self._person.random
        if random.random() < 0.4:
            return None
        said = back + random.choice((-1, 0, 0, 0, 1)) * 24 * HOUR
        return self._ledger.moment(said) if said > at + HOUR else None

    def _return(self, mood: Mood, back: int) -> None:
        person = self._person
        person.body.come_home(back)
        person.see_to_heater(found=True)
        person.body.busy(Room.BEDROOM, 10)
        if mood.announced and person.random.random() < 0.4:
            at = back + int(exponential(person.random, 2.0) * HOUR)
            away = Away(mood.reason, STAFF, None, ends=True)
            self._ledger.put(at, Announced(self._ledger.moment(at), away))

    # ---------------------------------------------------------------------------------- the night

    def _sleep(self, until: int) -> None:
        """To bed, and up now and then, until the morning."""
        person, random = self._person, self._person.random
        body, today = person.body, person.today
        person.put_out(for_long=True)
        person.toilet()
        body.walk(Room.BEDROOM, Scene.GOES_TO_BED)
        if today.weather.is_cold:
            person.appliances.warm_bed(body.at, until + random.randrange(60, 600) * 1000)
        body.wait(60, 400)
        body.settle(names.BED, occupied=True)
        for at in self._ups(body.at, until):
            self._lie_until(at)
            body.settle(names.BED, occupied=False)
            minute = today.minute(at) % 1440
            # Somebody is up at these hours in one night of three.
            wanders = 3 * person.character.wanders / 365
            if _WANDERS_FROM <= minute < _WANDERS_TO and random.random() < wanders:
                self._wander()
            else:
                person.toilet(scene=Scene.TOILET_AT_NIGHT)
                if random.random() < 0.06:
                    # Sleep does not come back at once.
                    person.pass_time(min(body.at + 40 * MINUTE, until - 50 * MINUTE))
                    person.put_out()
            body.walk(Room.BEDROOM)
            body.settle(names.BED, occupied=True)
        self._lie_until(until)

    def _ups(self, bed: int, until: int) -> list[int]:
        """When the person gets up at night."""
        random, character = self._person.random, self._person.character
        least, longest = _NIGHT_EARLIEST * MINUTE, int(character.sleeps * MINUTE)
        span = until - bed - 2 * least
        if span <= 0:
            return []
        ups: list[int] = []
        at = bed + least
        while True:
            at += min(longest, int(exponential(random, span / (character.nights + 0.01))))
            if at >= until - least:
                return ups
            ups.append(at)
            at += least

    def _lie_until(self, until: int) -> None:
        body, turning = self._person.body, self._person.character.turning
        if body.at < until:
            body.keep_still(until, 60 / turning)

    def _wander(self) -> None:
        """Out at night; most come back within the hour."""
        person, random = self._person, self._person.random
        far = random.random() < 0.35
        minutes = random.uniform(70, 200) if far else random.uniform(6, 50)
        body = person.body
        body.leave(told=False)
        body.harmed(SlowKind.WANDERING)
        body.come_home(body.at + int(minutes * MINUTE), told=False)
        body.harmed(SlowKind.WANDERING, ends=True)
