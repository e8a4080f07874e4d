"""What a person does at home: meals, pastimes, housework, bed; one thing after the other."""

from dataclasses import dataclass
from random import Random

from sim.homes import names
from sim.homes.act import Scene, SlowKind
from sim.homes.appliances import Appliances
from sim.homes.body import FOREVER, Body, Build, Room
from sim.homes.character import Character
from sim.homes.draw import normal, weighted, within
from sim.homes.ledger import MINUTE, Ledger
from sim.homes.light import Light
from sim.homes.season import Weather

_COOLED_C = 26.0
"Mean of a day on which the air conditioner is used, too."
_COOKED = 45 * MINUTE
"Rice is done after this at the latest."
_TWILIGHT = 25
"Minutes before sunset and after sunrise in which a room is dark."


@dataclass(slots=True)
class Today:
    """The day that is being lived."""

    midnight: int
    weekday: int
    weather: Weather
    is_ill: bool
    lively: float
    eats: bool

    def minute(self, at: int) -> float:
        return (at - self.midnight) / MINUTE

    def at(self, minute: float) -> int:
        return self.midnight + int(minute * MINUTE)

    def is_dark(self, at: int) -> bool:
        minute = self.minute(at)
        weather = self.weather
        if minute >= 1440:
            return True
        return not weather.sunrise + _TWILIGHT < minute < weather.sunset - _TWILIGHT


class Person:
    """One resident among the things of the home."""

    def __init__(
        self,
        random: Random,
        character: Character,
        ledger: Ledger,
        appliances: Appliances,
        light: Light | None,
        build: Build,
    ) -> None:
        """`light` is None for whom the reading lamp does not belong to."""
        self.random = random
        self.character = character
        self.appliances = appliances
        self.body = Body(random, ledger, build)
        self.today: Today
        self.cooking: list[int] = []
        "Moments at which something was put on the stove; who looks at them empties it."
        self._light = light
        self._toilet_due = 0
        self._watching: int | None = None
        self._lit = False
        self._airing: int | None = None
        self._heating: int | None = None
        self._forgotten = False
        self._rice: tuple[int, int, Scene] | None = None
        "Put on when, to be switched off when, for which meal."
        self._cups = 0.0

    # ------------------------------------------------------------------------------------- needs

    def toilet(self, *, washes: bool = False, scene: Scene | None = None) -> None:
        """Go there, and stay for some minutes."""
        body = self.body
        if scene is not None:
            body.walk(body.room, scene)
        body.walk(Room.BATHROOM)
        body.busy(Room.BATHROOM, within(self.random, 9 if washes else 3.5, 1.5, 1, 20), 70)
        due = within(self.random, self.character.toilet, 40, 40, 400)
        self._toilet_due = body.at + int(due * MINUTE)

    def drink(self) -> None:
        """Tea or coffee: the kettle, a cupboard, a minute of waiting."""
        body = self.body
        body.walk(Room.KITCHEN)
        if not self.today.eats:
            return
        body.wait(10, 40)
        self.appliances.boil(body.at)
        if self.random.random() < 0.35:
            body.touch(names.CUPBOARD, 3, 15)
        body.busy(Room.KITCHEN, 3)

    def eat(self, scene: Scene, *, big: bool) -> None:
        """A meal from the fridge to the sink."""
        body, random = self.body, self.random
        cooks = big and not self.today.is_ill and random.random() < self.character.cooks
        body.walk(Room.KITCHEN)
        body.wait(5, 40)
        if cooks:
            self._cook_rice(scene)
        body.touch(names.FRIDGE_DOOR, 5, 25, None if cooks else scene)
        self.cooking.append(body.at)
        body.wait(10, 60)
        if random.random() < 0.5:
            body.touch(names.CUPBOARD, 3, 15)
        if random.random() < 0.45:
            self.appliances.heat(body.at)
        body.busy(Room.KITCHEN, within(random, 18 if cooks else 8, 4, 4, 40))
        if random.random() < 0.4:
            body.touch(names.FRIDGE_DOOR, 4, 20)
        if random.random() < 0.5:
            body.touch(names.DRAWER, 2, 8)
        if random.random() < 0.55:
            self.appliances.boil(body.at)
        self._dine(within(random, 24, 8, 8, 50))
        if random.random() < 0.45:
            body.touch(names.FRIDGE_DOOR, 4, 20)
        body.busy(Room.KITCHEN, within(random, 5, 2, 1, 15))

    def _cook_rice(self, scene: Scene) -> None:
        self._see_to_rice(leaving=True)
        self.body.wait(20, 60)
        keeps = self.random.random() < self.character.keeps_warm
        warm = within(self.random, 85, 20, 50, 150)
        off = FOREVER if keeps else self.body.at + int(warm * MINUTE)
        self._rice = (self.body.at, off, scene)

    def _see_to_rice(self, *, leaving: bool) -> None:
        """Switch the cooker off when it is time; it is warm long enough, or forgotten."""
        if self._rice is None:
            return
        begun, due, scene = self._rice
        body = self.body
        cooked = body.at - begun > _COOKED
        if cooked and (body.at >= due or (leaving and due < FOREVER)):
            body.walk(Room.KITCHEN)
            body.wait(2, 10)
            self.appliances.cook_rice(begun, body.at, scene)
        elif leaving:
            self.appliances.cook_rice(begun, None, scene)
        else:
            return
        self._rice = None

    def _dine(self, minutes: float) -> None:
        """At the table, half of people before the television."""
        body = self.body
        body.walk(Room.LIVING if self.character.television > 0.35 else Room.KITCHEN)
        body.keep_still(body.at + int(minutes * MINUTE), 9)
        body.walk(Room.KITCHEN)

    # ---------------------------------------------------------------------------------- pastimes

    def pass_time(self, until: int) -> None:
        """Do this and that until a moment."""
        body, today, character = self.body, self.today, self.character
        rests = 3.0 if today.is_ill else character.resting / today.lively
        choices = (
            (character.television, self._watch),
            (character.reading, self._read),
            (character.pottering * today.lively, self._potter),
            (rests, self._rest),
        )
        while until - body.at > 3 * MINUTE:
            if self._cups >= 1 and self.random.random() < 0.4:
                self._cups -= 1
                self.drink()
            self._see_to_light()
            self._see_to_air()
            self._see_to_warmth()
            self._see_to_rice(leaving=False)
            pastime = weighted(self.random, choices)
            if pastime != self._watch:
                self._turn_away()
            pastime(until)
        if body.at < until:
            body.walk(Room.LIVING)
            body.keep_still(until)

    def begin_day(self) -> None:
        """What one means to have in it."""
        self._cups = within(self.random, self.character.tea, 0.7, 0, 6)
        self._toilet_due = self.body.at

    def _watch(self, until: int) -> None:
        """Some of the programme; the set stays on until one does something else."""
        body = self.body
        if self._watching is None:
            body.walk(Room.LIVING)
            body.wait(5, 40)
            self._watching = body.at
        self._sit(self._until(until, 130, 50))

    def _read(self, until: int) -> None:
        """No telephone, no television: the person is hardly seen."""
        random, body = self.random, self.body
        end = self._until(until, 130, 50)
        body.walk(Room.LIVING, Scene.READS)
        if self._light is not None and self.today.is_dark(body.at) and not self._lit:
            self._lit = True
            self._light.switch(body.at, lit=True)
        self._sit(end, self.character.stillness * (1.6 + random.random()))

    def _potter(self, until: int) -> None:
        """Plants, drawers, dishes, the balcony."""
        body, random = self.body, self.random
        end = self._until(until, 22, 9)
        while body.at < end:
            room = random.choice((Room.LIVING, Room.KITCHEN, Room.BEDROOM, Room.LIVING))
            body.walk(room)
            chance = random.random()
            if room is Room.KITCHEN and chance < 0.6:
                body.touch(names.FRIDGE_DOOR if chance < 0.35 else names.DRAWER, 4, 20)
            elif room is Room.BEDROOM and chance < 0.4:
                body.touch(names.WARDROBE, 5, 40)
            elif room is Room.LIVING and chance < 0.15:
                body.touch(names.BALCONY_DOOR, 20, 240)
            body.busy(room, 2 + 6 * random.random(), 90)
        if body.at > self._toilet_due:
            self.toilet()

    def _rest(self, until: int) -> None:
        ill = self.today.is_ill
        self.lie(self._until(until, 100 if ill else 40, 30 if ill else 12))

    def lie(self, end: int) -> None:
        """On the bed by day: a nap, an illness."""
        body = self.body
        body.walk(Room.BEDROOM)
        body.wait(5, 30)
        body.settle(names.BED, occupied=True)
        body.keep_still(max(end, body.at), 40)
        body.settle(names.BED, occupied=False)
        body.sees(Room.BEDROOM)
        if body.at > self._toilet_due:
            self.toilet()

    def _sit(self, end: int, still: float | None = None) -> None:
        """In the living room; who must, gets up between."""
        body = self.body
        while body.at < end:
            body.walk(Room.LIVING)
            body.wait(3, 12)
            body.settle(names.SEAT, occupied=True)
            body.keep_still(max(min(end, self._toilet_due), body.at + MINUTE), still)
            body.settle(names.SEAT, occupied=False)
            body.sees(Room.LIVING)
            if body.at >= self._toilet_due:
                self.toilet()

    def _until(self, until: int, minutes: float, sd: float) -> int:
        span = within(self.random, minutes, sd, 6, 300)
        return min(until, self.body.at + int(span * MINUTE))

    # ------------------------------------------------------------------------ television and lamp

    def take_up_day(self) -> None:
        """After breakfast: the pills, and for some the television for all of the day."""
        body = self.body
        body.walk(Room.LIVING)
        body.touch(names.MEDICINE, 8, 40)
        if self.character.background and self._watching is None:
            self._watching = body.at

    def _turn_away(self) -> None:
        """Somebody who begins something else mostly switches the television off."""
        body = self.body
        if self._watching is None or self.character.background or self.random.random() < 0.15:
            return
        body.walk(Room.LIVING)
        body.wait(2, 10)
        self._switch_off()

    def put_out(self, *, for_long: bool = False) -> None:
        """Cooker, television, lamp, fan and heater, before a nap; or `for_long`, out or to bed."""
        body = self.body
        if for_long and self._heating is not None and not self._forgotten:
            self._forgotten = self.random.random() < self.character.forgets
            if self._forgotten:
                self._tell_of_heater(ends=False)
        self.see_to_heater()
        self._see_to_rice(leaving=True)
        if self._watching is not None or self._lit or self._airing is not None:
            body.walk(Room.LIVING)
            body.wait(2, 10)
        if self._watching is not None:
            self._switch_off()
        if self._lit and self._light is not None:
            self._lit = False
            self._light.switch(body.at, lit=False)
        if self._airing is not None:
            self._air_off()

    def _switch_off(self) -> None:
        assert self._watching is not None
        self.appliances.watch(self._watching, self.body.at, Scene.TELEVISION)
        self._watching = None

    def _see_to_light(self) -> None:
        if self._light is None:
            return
        body, dark = self.body, self.today.is_dark(self.body.at)
        if dark is self._lit or (dark and self.random.random() < 0.5):
            return
        body.walk(Room.LIVING)
        self._lit = dark
        self._light.switch(body.at, lit=dark)

    def _see_to_air(self) -> None:
        """On a hot day, switch the fan or the air conditioner on."""
        if self._airing is None and self.today.weather.is_hot and self.random.random() < 0.4:
            self.body.walk(Room.LIVING)
            self.body.wait(2, 10)
            self._airing = self.body.at

    def _see_to_warmth(self) -> None:
        """On a cold day, switch the heater on."""
        heats = self.character.heats
        cold = heats and self._heating is None and self.today.weather.is_cold
        if cold and self.random.random() < heats:
            self.body.walk(Room.LIVING)
            self.body.wait(2, 10)
            self._heating = self.body.at
            self.appliances.heat_room(self.body.at, on=True)

    def see_to_heater(self, *, found: bool = False) -> None:
        """Switch the heater off, but for one that is forgotten until it is `found`."""
        if self._heating is None or (self._forgotten and not found):
            return
        self.body.walk(Room.LIVING)
        self.body.wait(2, 10)
        if self._forgotten:
            self._tell_of_heater(ends=True)
        self.appliances.heat_room(self.body.at, on=False)
        self._heating, self._forgotten = None, False

    def _tell_of_heater(self, *, ends: bool) -> None:
        self.body.harmed(SlowKind.LEFT_ON, names.HEATER, ends=ends)

    def _air_off(self) -> None:
        assert self._airing is not None
        if self.today.weather.mean_c > _COOLED_C:
            self.appliances.cool(self._airing, self.body.at)
        self.appliances.fan(self._airing, self.body.at)
        self._airing = None

    # ---------------------------------------------------------------------------------- housework

    def launder(self) -> int:
        """Start the machine; returns when it will be done."""
        body = self.body
        body.busy(Room.BEDROOM, 3)
        body.walk(Room.BATHROOM)
        body.wait(60, 150)
        done = self.appliances.wash(body.at)
        body.busy(Room.BATHROOM, 2)
        return done

    def hang_up(self) -> None:
        """Take the laundry out, onto the balcony."""
        body = self.body
        body.busy(Room.BATHROOM, 3)
        body.walk(Room.LIVING)
        body.touch(names.BALCONY_DOOR, 120, 600)
        body.busy(Room.LIVING, 4)

    def clean(self) -> None:
        """Sweep and wipe room by room."""
        for room in (Room.BEDROOM, Room.LIVING, Room.KITCHEN, Room.BATHROOM):
            self.body.busy(room, max(2.0, normal(self.random, 8, 3)), 55)
