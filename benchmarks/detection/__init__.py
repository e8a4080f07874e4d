"""How soon a person who needs help is found, and how often it is said for nothing.

    python -m benchmarks.detection --homes DIR [--seeds N] [--json] [--report DIR]
    python -m benchmarks.detection --population plugs --count 4 --days 400

The protocol, so that figures compare. One recording or simulated life per home; past only. After
28 days of warm-up every day is scored, up to the last counted sign of life; homes shorter than 60
days are listed and not scored.

A silence lies between two signs of life that the engine counts (`LifeSeen.counted`); ours and all
rivals have the same evidence. A false alarm is one raised in a silence that the untouched record
later ends, at most one a silence. Silences longer than 36 h are absences: they and the alarms in
them are listed, and those alarms are not in `realised_per_30d` (they are in
`with_absences_per_30d`); `realised_home_per_30d` has the alarms at home only. All are over all
scored days; `present_per_30d` is `realised_per_30d` over the days outside absences. At home:
without an outside door all scored time outside absences; with one also not in a silence that
begins within 15 minutes after that door moved and ends within 3 minutes of its next movement. That
is hindsight, for scoring alone.

The resident collapses at an instant drawn uniformly over scored time at home. Every later event is
removed; devices go on saying that they are there. Moments whose silence had its alarm already are
counted (`already`) and left out. Delays end at 72 h. Day is 07 to 22 h; just active is within five
minutes of a sign.

Streams: clean; noisy1 and noisy3 (after the collapse one or three spurious events a day, Poisson,
each an ON and an OFF 10 s later of a motion sensor, or where there is none of a plug or contact of
the person's hand; put through the engine, and what it counts begins a rival's silence anew);
outage (the gateway off for 1 to 12 h about once in ten days, and a device dead for 3 to 20 days
each month; alarms wait for the gateway, `realised_outage_per_30d` has its false ones).

Methods: `ongi` and `ongi_prompt` are the engine with the learned rule. `fixed24`, `fixed36` and
`fixed50` are hours. `constant` is the shortest limit whose past rate meets the budget: own
exceedances so far, and 60 days' worth from other homes of the run of the same kind (with or
without motion sensors; of any kind where there is none; simulated ones where this home is alone).
`cuddihy` after Cuddihy et al. 2007: a record is a day's longest silence that begins in that half
hour; the line of a half hour is the 97th percentile of its last 60 records, the maximum over two
half hours either side, plus 40 % of itself and 30 % of the mean line of the day. It has no knob,
nor have the fixed ones: they stand under both budgets. Silences over 36 h teach neither.

Prompts: a healthy resident at home answers one with `--answers` (0.9), a minute later, at the
node's button; nobody answers while away or absent, nor after the collapse.
"""
