"""`ongi sim rig`: homes and a center as real processes, killed for real, and checked alike.

What is real: the center, and in each home the gateway daemon and the driver, each a process of
its own started as in production; UDP with OSCORE between them; SQLite on a disk; `kill -9`. What
is simulated: time (one clock in a file, up to 600 times as fast), the people and devices of
`sim.homes`, the frames on the air, the way to the center, the machine's date, and whoever is on
duty at the center. The faults are those of `sim.faults`, the checkers those of `sim.check`.

Time is virtual, latencies are real: at 600 times as fast a millisecond of real work is more than
half a second. So that nothing falls due only because a process is behind

- a frame leaves at its own moment, and time does not go further than a few seconds past a frame
  that its gateway has not taken in; not at all past a call for help or a hazard. How long that
  really took is measured and shown;
- time stands still while a process starts or is attached to, for that is no part of the fault;
- time runs twelve times as fast, not faster, around the moment at which a gateway is to speak up,
  after a danger, while a command is under way, and while a record waits that a sound way should
  carry, for thirty real seconds at most;
- `Chronicle.silent_after` is reckoned from the real seconds of the center's patience.

What each gateway decides is written down by its process at the moment of the decision
(`sim.rig.spoken`): the control socket would not tell what was decided before it opened its doors.

Two promises are checked here alone: a command is not given up before its device was asked
(`command-reaches-device`), and a process ends when it is told to (`ends-when-told`).
"""
