#!/usr/bin/env python3
"""Writes cron_table.tsv: expressions x zones x dates with the slots that follow.

Two judges that share no code with dml:
  1. an enumeration over the zone data of Python's zoneinfo, which spells out the rules of
     docs/schedules.md for the days on which clocks change;
  2. `systemd-analyze calendar` (Debian package systemd), asked about every row. It has to agree
     wherever none of the times that the expression names is left out or told twice by a change of
     the clock: there it has rules of its own (it skips what falls into a gap). A row says who agrees.

  python3 tests/schedule/make_cron_table.py > tests/schedule/cron_table.tsv
"""
import calendar
import datetime as dt
import subprocess
import sys
import zoneinfo

UTC = dt.timezone.utc
SLOTS = 4

# Cron, and the same for systemd: the union of the calendar expressions on the right.
EXPRESSIONS = [
    ("0 2 * * *", ["*-*-* 02:00:00"]),
    ("30 2 * * *", ["*-*-* 02:30:00"]),
    ("30 1 * * *", ["*-*-* 01:30:00"]),
    ("45 1,2 * * *", ["*-*-* 01,02:45:00"]),
    ("15 2 * * *", ["*-*-* 02:15:00"]),
    ("*/15 * * * *", ["*-*-* *:00/15:00"]),
    ("30 * * * *", ["*-*-* *:30:00"]),
    ("0 */6 * * *", ["*-*-* 00/6:00:00"]),
    ("10 */2 * * *", ["*-*-* 00/2:10:00"]),
    ("0 9-17 * * MON-FRI", ["Mon..Fri *-*-* 09..17:00:00"]),
    ("0 0 1 * *", ["*-*-01 00:00:00"]),
    ("0 0 29 2 *", ["*-02-29 00:00:00"]),
    ("59 23 31 12 *", ["*-12-31 23:59:00"]),
    ("0 0 L * *", ["*-*~01 00:00:00"]),
    ("0 12 L-2 * *", ["*-*~03 12:00:00"]),
    ("0 9 * * MON#1", ["Mon *-*-01..07 09:00:00"]),
    ("0 9 * * fri#3", ["Fri *-*-15..21 09:00:00"]),
    ("30 18 * * 5L", ["Fri *-*~07/1 18:30:00"]),
    ("15 10 * JAN,JUL SUN", ["Sun *-01,07-* 10:15:00"]),
    ("5,35 8-10/2 * * *", ["*-*-* 08..10/2:05,35:00"]),
    ("*/10 30 4 * * *", ["*-*-* 04:30:00/10"]),
    ("30 0 0 1 1 *", ["*-01-01 00:00:30"]),
    ("*/20 59 1 * * 0", ["Sun *-*-* 01:59:00/20"]),
    ("0 0 13 * FRI", ["*-*-13 00:00:00", "Fri *-*-* 00:00:00"]),
    ("0 0 */10 * MON", ["Mon *-*-01/10 00:00:00"]),
    ("@hourly", ["*-*-* *:00:00"]),
    ("@daily", ["*-*-* 00:00:00"]),
    ("@weekly", ["Sun *-*-* 00:00:00"]),
    ("@monthly", ["*-*-01 00:00:00"]),
    ("@yearly", ["*-01-01 00:00:00"]),
    ("0 22 * * 1-5", ["Mon..Fri *-*-* 22:00:00"]),
    ("0 3 * * 7", ["Sun *-*-* 03:00:00"]),
    ("0 0 1 */3 *", ["*-01/3-01 00:00:00"]),
    ("17 4 2-30/7 * *", ["*-*-02..30/7 04:17:00"]),
    ("0 0 30 4,6,9,11 *", ["*-04,06,09,11-30 00:00:00"]),
]
ZONES = ["UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Shanghai",
         "Asia/Kolkata", "America/St_Johns", "Europe/Dublin", "Pacific/Chatham",
         "Atlantic/Azores", "America/Santiago"]
# Clocks change soon after most of them; the others precede a year's end or the end of February.
STARTS = ["2026-03-07T12:00:00", "2026-03-28T12:00:00", "2026-04-04T00:00:00",
          "2026-10-03T00:00:00", "2026-10-24T12:00:00", "2026-10-31T12:00:00",
          "2026-12-31T06:00:00", "2027-02-27T00:00:00", "2028-02-28T00:00:00",
          "1988-04-16T00:00:00", "1988-09-10T00:00:00", "2036-02-28T00:00:00",
          # Zone files list the changes until 2037; a rule holds for all later years.
          "2037-10-31T12:00:00", "2038-03-13T12:00:00", "2040-10-27T12:00:00",
          "2050-04-02T00:00:00", "2096-02-27T00:00:00"]

NAMES = {name: i + 1 for i, name in enumerate(
    "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())}
DAYS = {name: i for i, name in enumerate("SUN MON TUE WED THU FRI SAT".split())}
NICKNAMES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0",
             "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *"}


def values(field, low, high, names=None):
    out = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        if span == "*":
            first, last = low, high
        else:
            ends = [(names or {}).get(end) if end in (names or {}) else int(end)
                    for end in span.split("-")]
            first, last = ends[0], (ends[1] if len(ends) > 1 else high if step else ends[0])
        out.update(range(first, last + 1, int(step or 1)))
    return out


def parse(text):
    fields = NICKNAMES.get(text, text).upper().split()
    if len(fields) == 5:
        fields.insert(0, "0")
    second, minute, hour, dom, month, dow = fields
    return {"seconds": sorted(values(second, 0, 59)), "minutes": sorted(values(minute, 0, 59)),
            "hours": sorted(values(hour, 0, 23)), "every_hour": hour.startswith("*"),
            "dom": dom, "months": values(month, 1, 12, NAMES), "dow": dow}


def day_matches(cron, day):
    if day.month not in cron["months"]:
        return False
    length = calendar.monthrange(day.year, day.month)[1]
    dom, dow = cron["dom"], cron["dow"]
    if dom.startswith("L"):
        by_dom = day.day == length - int(dom[2:] or 0)
    else:
        by_dom = day.day in values(dom, 1, 31)
    weekday = day.isoweekday() % 7
    if "#" in dow:
        name, _, nth = dow.partition("#")
        by_dow = weekday == DAYS[name] and (day.day - 1) // 7 + 1 == int(nth)
    elif dow.endswith("L") and dow != "L":
        by_dow = weekday == int(dow[:-1]) and day.day + 7 > length
    else:
        by_dow = weekday in {value % 7 for value in values(dow, 0, 7, DAYS)}
        if dow == "*":
            by_dow = True
    if dom.startswith("*") or dow.startswith("*"):
        return by_dom and by_dow
    return by_dom or by_dow


def instants(zone, local):
    """The instants of a local time, or the end of the gap it falls into."""
    found = []
    for fold in (0, 1):
        instant = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local and instant not in found:
            found.append(instant)
    if found:
        return sorted(found), None
    low = local.replace(tzinfo=UTC) - dt.timedelta(hours=30)
    high = local.replace(tzinfo=UTC) + dt.timedelta(hours=30)
    while high - low > dt.timedelta(seconds=1):
        middle = low + dt.timedelta(seconds=(high - low).total_seconds() // 2)
        if middle.astimezone(zone).replace(tzinfo=None) > local:
            high = middle
        else:
            low = middle
    return [], high


def slots_after(cron, zone, start):
    found = set()
    day = start.astimezone(zone).date() - dt.timedelta(days=2)
    stop_at = None
    for _ in range(366 * 41):
        if day_matches(cron, day):
            for hour in cron["hours"]:
                for minute in cron["minutes"]:
                    for second in cron["seconds"]:
                        local = dt.datetime(day.year, day.month, day.day, hour, minute, second)
                        times, gap_end = instants(zone, local)
                        if gap_end is not None and not cron["every_hour"]:
                            found.add(gap_end)
                        found.update(times if cron["every_hour"] else times[:1])
        later = sorted(time for time in found if time > start)
        if len(later) >= SLOTS and stop_at is None:
            stop_at = day + dt.timedelta(days=2)
        if stop_at is not None and day >= stop_at:
            return later[:SLOTS]
        day += dt.timedelta(days=1)
    return sorted(time for time in found if time > start)[:SLOTS]


def names_odd_times(cron, zone, start, end):
    """Whether a time that it names between the day before and the day after is there twice, or not."""
    day = start.astimezone(zone).date() - dt.timedelta(days=1)
    while day <= end.astimezone(zone).date() + dt.timedelta(days=1):
        for hour in cron["hours"] if day_matches(cron, day) else []:
            for minute in cron["minutes"]:
                for second in cron["seconds"]:
                    local = dt.datetime(day.year, day.month, day.day, hour, minute, second)
                    if len(instants(zone, local)[0]) != 1:
                        return True
        day += dt.timedelta(days=1)
    return False


def clocks_change(zone, start, end):
    """Between the start and the end."""
    time = start
    offset = time.astimezone(zone).utcoffset()
    while time < end:
        time = min(end, time + dt.timedelta(hours=6))
        if time.astimezone(zone).utcoffset() != offset:
            return True
    return False


def ask_systemd(expressions, zone, start):
    found = set()
    base = start.strftime("%Y-%m-%d %H:%M:%S UTC")
    for expression in expressions:
        text = subprocess.run(
            ["systemd-analyze", "calendar", f"--base-time={base}", f"--iterations={SLOTS}",
             f"{expression} {zone}"], capture_output=True, text=True, check=True,
            env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}).stdout
        for line in text.splitlines():
            words = line.split()
            if "UTC" in words and ("elapse:" in words or "Iter." in words):
                at = words.index("UTC")
                found.add(dt.datetime.fromisoformat(
                    f"{words[at - 2]}T{words[at - 1]}").replace(tzinfo=UTC))
    return sorted(found)[:SLOTS]


def main():
    rows = agreed = changed = 0
    print("# cron\tzone\tafter\tslots\tjudges; written by make_cron_table.py")
    for e, (cron, systemd) in enumerate(EXPRESSIONS):
        for z, name in enumerate(ZONES):
            for s, start_text in enumerate(STARTS):
                around_changes = e < 5 and 1 <= z <= 4
                if not around_changes and (e + 3 * z + 5 * s) % 7 > 0:
                    continue
                zone = zoneinfo.ZoneInfo(name)
                start = dt.datetime.fromisoformat(start_text).replace(tzinfo=UTC)
                slots = slots_after(parse(cron), zone, start)
                judges = "enumeration"
                parsed = parse(cron)
                if slots and ask_systemd(systemd, name, start) == slots:
                    judges += " systemd"
                    agreed += 1
                    changed += clocks_change(zone, start, slots[-1])
                elif slots and not names_odd_times(parsed, zone, start, slots[-1]):
                    sys.exit(f"{cron} in {name} after {start}: {slots}?")
                rows += 1
                shown = " ".join(time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in slots)
                print(f"{cron}\t{name}\t{start_text}Z\t{shown}\t{judges}")
    print(f"{rows} rows, {agreed} confirmed by systemd, {changed} of them across a change of clocks",
          file=sys.stderr)


main()
