"""Judge each try to log in. Pure: the time is an argument, nothing is read or written.

A try is a name and a fingerprint of the password: 12 bits of a hash that only this host can make
(auth_policy_hash_truncate). That tells one wrong password from another, and says of no password which one it is.
"""
import hashlib
from collections import Counter, OrderedDict
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

from smallmail.bans import book, clients
from smallmail.bans.book import Ban
from smallmail.bans.lane import Lane

# So many different tries are one too many, counted over so many seconds.
TRIES = 10
# What is refused in a crowd may have been right: Dovecot did not see it. A client is banned once Dovecot has seen so
# many wrong tries, or if so many were at one name, whose owner has one password and few slips.
_SEEN, _AT_ONE_NAME = 3, 5
DAY = 86400
# How long a good login shows that an address is a household's, and an earlier ban that one is a guesser's.
REMEMBERED = 30 * DAY

# Seconds: the first ban; each next one of a client is four times as long, up to book.LONGEST. Mail servers go on trying
# for days, so none of their mail is lost if one shares an address with a guesser.
_FIRST, _FACTOR = 3600, 4

# Postfix waits ten seconds for Dovecot, which takes two to refuse (auth_failure_delay); and there is the hash to make.
SLOWEST = 5
# And who has never tried to log in here waits no longer than this in the queue of strangers.
_NEWCOMERS = 3
# What was wrong a moment ago is wrong now: Dovecot need not hash it again.
_SAME = 30
# One try in so many seconds, where a household's address guesses at a name.
_SLOWED = 30
# A report that does not come by then will not come: Dovecot was restarted.
_LOST = 30
# Tries of one client that are being answered at the same time.
_AT_ONCE = 12

# How much is remembered. Beyond it the oldest goes: then a guesser may begin anew, and nobody is kept out.
_CLIENTS, _HOUSEHOLDS, _NAMES_OF_ONE, _PASSWORDS = 10000, 20000, 100, 20000

REFUSE = -1
_CROWDED = -2       # refused, because others take all there is
PASS = 0

Name = str                      # eight bytes of a hash of the login name
Pair = Tuple[Name, str]         # a name and a fingerprint

Try = NamedTuple("Try", [
    ("remote", str),
    ("login", str),
    ("fingerprint", str),
])

# Of one client: the wrong pairs, with the time when each was first and last seen, and whether Dovecot saw it; the
# pairs that are being answered; when the next try at a name is let through; a few names as they were typed.
Tally = NamedTuple("Tally", [
    ("wrong", "OrderedDict[Pair, List[float]]"),
    ("pending", List[Tuple[float, Pair]]),
    ("next", Dict[str, float]),
    ("names", List[str]),
])


class Judge:
    """All that is known of tries, and the answer to each."""

    def __init__(self, is_exempt: Callable[[str], bool], cores: int = 2) -> None:
        """`is_exempt`: whether an address is never banned, as the own host's."""
        self._is_exempt = is_exempt
        self.bans = OrderedDict()           # type: OrderedDict[str, Ban]
        self.households = OrderedDict()     # type: OrderedDict[str, Dict[Name, float]]
        self.passwords = OrderedDict()      # type: OrderedDict[Name, str]
        self.fresh = []                     # type: List[Ban]
        self._clients = OrderedDict()       # type: OrderedDict[str, Tally]
        # All others together may have so many passwords hashed a second that who is known is served at once.
        self._unknown, self._suspect = Lane(2 * cores), Lane(cores)

    def allow(self, tried: Try, now: float) -> int:
        """Answer before Dovecot looks at the password: REFUSE, PASS, or how many seconds it is to wait."""
        client, name = clients.client(tried.remote), _key(tried.login)
        if not client:
            return PASS
        if self.is_banned(client, now) and not self._is_exempt(tried.remote):
            return REFUSE
        pair = (name, tried.fingerprint)
        if self.passwords.get(name) == tried.fingerprint:
            return PASS
        tally = self._tally(client, now)
        answer = self._answer(tally, client, pair, self._is_exempt(tried.remote), now)
        if answer == _CROWDED:
            # It had wrong tries, or has several at the same time, and this is another one.
            self._count(client, tally, tried, False, now)
            return REFUSE
        if answer != REFUSE:
            tally.pending.append((now + answer + _LOST, pair))
        return answer

    def report(self, tried: Try, success: bool, counts: bool, now: float) -> None:
        """Take in how a try ended. `counts`: the password was wrong; neither we nor a fault refused it."""
        client, name = clients.client(tried.remote), _key(tried.login)
        if not client or not tried.login.strip():
            return
        pair = (name, tried.fingerprint)
        tally = self._tally(client, now)
        tally.pending[:] = _without(tally.pending, pair)
        if success:
            self._good(client, tally, pair, now)
        elif counts and not self.is_banned(client, now):
            self._count(client, tally, tried, True, now)

    def is_banned(self, client: str, now: float) -> bool:
        """Tell whether a client is banned now."""
        ban = self.bans.get(client)
        return ban is not None and bool(book.in_force([ban], now))

    def lift(self, client: str) -> None:
        """Forget a client's ban and its wrong passwords."""
        self.bans.pop(client, None)
        self._clients.pop(client, None)

    def forget(self, now: float) -> None:
        """Drop what is too old to count, and what is too much."""
        for client, ban in list(self.bans.items()):
            if not ban.until + REMEMBERED > now:
                del self.bans[client]
        for client, names in list(self.households.items()):
            kept = {name: when for name, when in names.items() if now - REMEMBERED < when <= now + DAY}
            self.households[client] = kept
            if not kept:
                del self.households[client]
        for client in list(self._clients):
            tally = self._tally(client, now)
            if not tally.wrong and not tally.pending:
                del self._clients[client]
        _limit(self.bans, book.MOST)

    def _answer(self, tally: Tally, client: str, pair: Pair, is_exempt: bool, now: float) -> int:
        if pair in tally.wrong and now - tally.wrong[pair][1] < _SAME:
            return REFUSE
        at_once = len(tally.pending)
        names = self.households.get(client, {})
        if is_exempt or names:
            return self._slowed(tally, pair, names, is_exempt, now)
        waiting = {other for _, other in tally.pending}
        # Dovecot 2.2 asks a second time, about a good password; mail programs open several connections at once.
        if pair in waiting and at_once < _AT_ONCE:
            return PASS
        # A guesser who tries ten at the same time has had the ten, before the first is reported.
        is_new = pair not in tally.wrong
        if at_once >= _AT_ONCE or (is_new and len(set(tally.wrong) | waiting | {pair}) > TRIES):
            return REFUSE
        own = min(SLOWEST, max(len(tally.wrong) - 1, 0) + at_once)
        if not tally.wrong and not at_once:
            # Refused is only who comes when strangers have filled the queue for a minute, and has never logged in.
            return min(_NEWCOMERS, self._unknown.wait(now))
        wait = self._suspect.wait(now, SLOWEST)
        return _CROWDED if wait < 0 else min(SLOWEST, max(own, wait))

    def _slowed(self, tally: Tally, pair: Pair, names: Dict[Name, float], is_exempt: bool, now: float) -> int:
        """Answer a household: only the guessed name is slowed, or all names that are not of the household together."""
        name = pair[0]
        if is_exempt or name in names:
            group, same = name, {other for other in tally.wrong if other[0] == name}
        else:
            group, same = "", {other for other in tally.wrong if other[0] not in names}
        same |= {other for _, other in tally.pending if (other[0] == name if group else other[0] not in names)}
        if pair in tally.wrong or len(same | {pair}) <= TRIES:
            return min(SLOWEST, max(len(same) - 3, 0))
        if now < tally.next.get(group, 0) <= now + _SLOWED:
            return REFUSE
        tally.next[group] = now + _SLOWED
        return SLOWEST

    def _count(self, client: str, tally: Tally, tried: Try, seen: bool, now: float) -> None:
        """A try was wrong, or not even `seen`: a client with too many different ones is banned, but not a household."""
        entry = tally.wrong.setdefault((_key(tried.login), tried.fingerprint), [now, now, 0.0])
        entry[1:] = [now, entry[2] or float(seen)]
        if len(tally.names) < TRIES and book.printable(tried.login) not in tally.names:
            tally.names.append(book.printable(tried.login))
        while len(tally.wrong) > 4 * TRIES:
            tally.wrong.popitem(last=False)
        is_household = self._is_household(client, now) or self._is_exempt(tried.remote)
        if len(tally.wrong) >= TRIES and _guesses(tally) and not is_household:
            self._ban(client, tally, now)

    def _good(self, client: str, tally: Tally, pair: Pair, now: float) -> None:
        """A login was good: its name belongs to this client, and its wrong passwords were slips."""
        name, fingerprint = pair
        self.passwords[name] = fingerprint
        self.passwords.move_to_end(name)
        _limit(self.passwords, _PASSWORDS)
        names = self.households.setdefault(client, {})
        names[name] = now
        if len(names) > _NAMES_OF_ONE:
            del names[min(names, key=lambda other: names[other])]
        self.households.move_to_end(client)
        _limit(self.households, _HOUSEHOLDS)
        for other in [each for each in tally.wrong if each[0] == name]:
            del tally.wrong[other]

    def _ban(self, client: str, tally: Tally, now: float) -> None:
        before = self.bans.get(client)
        level = min(before.level + 1, 9) if before else 1
        seconds = min(_FIRST * _FACTOR ** (level - 1), book.LONGEST)
        self.bans[client] = Ban(client, int(now), int(now + seconds), level, book.few(tally.names), len(tally.wrong))
        self.bans.move_to_end(client)
        self.fresh.append(self.bans[client])
        self._clients.pop(client, None)

    def _is_household(self, client: str, now: float) -> bool:
        return any(now - REMEMBERED < when for when in self.households.get(client, {}).values())

    def _tally(self, client: str, now: float) -> Tally:
        """Return what is known of a client, without what is too old; neither does a time to come count."""
        tally = self._clients.setdefault(client, Tally(OrderedDict(), [], {}, []))
        self._clients.move_to_end(client)
        _limit(self._clients, _CLIENTS)
        for pair in [pair for pair, (first, _, _) in tally.wrong.items() if not now - DAY < first <= now + 60]:
            del tally.wrong[pair]
        tally.pending[:] = [(until, pair) for until, pair in tally.pending if now < until <= now + 2 * _LOST]
        return tally


def _key(login: str) -> Name:
    """Return what stands for a name in the tables: names are of any length, and Dovecot drops case and blanks."""
    return hashlib.sha256(login.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _guesses(tally: Tally) -> bool:
    """Tell a client that guesses from many people behind one address, who were refused in a crowd."""
    at_one_name = Counter(name for name, _ in tally.wrong).most_common(1)[0][1]
    return at_one_name >= _AT_ONE_NAME or sum(entry[2] for entry in tally.wrong.values()) >= _SEEN


def _without(pending: List[Tuple[float, Pair]], pair: Pair) -> List[Tuple[float, Pair]]:
    """Return the list without the first entry of that pair."""
    for number, (_, other) in enumerate(pending):
        if other == pair:
            return pending[:number] + pending[number + 1:]
    return pending


def _limit(table: "OrderedDict[str, Any]", most: int) -> None:
    while len(table) > most:
        table.popitem(last=False)
