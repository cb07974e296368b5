"""Which of the names found in an entry really name an actor: the rules for names with more than one meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from schemas.watch import ActorSpec
from transforms.actors.english import STOP, English, letters_of, title_case
from transforms.actors.lexicon import SEAT, SHORT, SURE, Lexicon, Name, Sense, office_of
from transforms.actors.plain import plain
from transforms.actors.seats import seat_words

OF_EVERY_STATE = frozenset({"prime minister", "vice president", "foreign minister", "defence minister", "finance minister"})
TITLE_REACH = 5  # tokens: as long as a title in front of a surname may be ("deputy secretary of state Sherman")


class Judge:
    """Settles the names of one entry after the other."""

    def __init__(self, lexicon: Lexicon, words: English) -> None:
        self.lexicon, self.words, self.seats = lexicon, words, seat_words()
        titles = [re.findall(r"[a-z]+", t.lower()) for t in words.titles]
        self._title_words = {w for t in titles for w in t}
        self._title_end = {t[-1] for t in titles}
        self._offices = [set().union(*(words.title_words(o.title) for o in s.offices)) for s in lexicon.specs]
        self._title_of = {o.title: words.title_in(o.title) for s in lexicon.specs if s.kind == "person" for o in s.offices}
        self._context = [_any_of(s.context) for s in lexicon.specs]
        self._then = {plain(name): i for i, s in enumerate(lexicon.specs) for name in s.then_called}
        self._past = max((lexicon.specs[i].until or date.max for i in self._then.values()), default=date.min)

    def settle(self, names: list[Name], text: str, day: date) -> dict[int, list[Name]]:
        """Index of each actor that is named -> its names, in order of the text.

        names  as the lexicon found them, in order of fields and offsets
        text   all fields as plain text
        day    on which the entry was published
        """
        names = self._as_of(day, names) if day < self._past else names
        sure: dict[int, list[Name]] = {}
        places: list[tuple[Sense, Name]] = []
        for name in names:
            sense = name.senses[0]
            if sense.kind == SURE and not self._other(name, sense):
                if self._is_state(sense) and self._address(name, names):
                    places.append((sense, name))
                else:
                    sure.setdefault(sense.index, []).append(name)
        self._settle_seats(names, sure)
        self._settle_company(names, sure)
        self._settle_short(names, sure, text, day)
        for sense, name in places:  # "Geneva, Switzerland" is a mention of a state that acts elsewhere in the entry
            if sense.index in sure:
                sure[sense.index].append(name)
        if self._states_are_places(sure, text):
            sure = {i: ns for i, ns in sure.items() if self.lexicon.specs[i].kind != "state"}
        return {i: _ordered(ns, names) for i, ns in sure.items()}

    def _as_of(self, day: date, names: list[Name]) -> list[Name]:
        """The names with the meaning they had on the day: "Prague" was Czechoslovakia's seat in 1968."""
        then = {}
        for surface, i in self._then.items():
            spec = self.lexicon.specs[i]
            if (spec.since or date.min) <= day < (spec.until or date.max):
                then[surface] = i
        return [replace(n, senses=(Sense(then[n.text], n.senses[0].kind),)) if n.text in then else n for n in names]

    def _other(self, name: Name, sense: Sense) -> bool:
        """The words are part of another name: "Ethiopian Airlines", "Michelle Obama"; or a cry ("JOIN US")."""
        spec, before, after = self.lexicon.specs[sense.index], name.before(), name.after()
        if spec.kind == "state" and after in self.words.other_names and not name.nested:
            return True
        if name.text.lower() in STOP and _shouted(name):
            return True
        return spec.kind == "person" and name.end - name.start == 1 and before in self.words.forenames and spec.name != name.text

    def _address(self, name: Name, names: list[Name]) -> bool:
        """A state as the end of a place: "in Stockholm, Sweden"; not in "In Stockholm, Sweden's king ..."."""
        own_name = name.text == plain(self.lexicon.specs[name.senses[0].index].name)
        if name.before() != "," or not own_name or self._acting(name.after()):
            return False
        state_before = any(n.doc is name.doc and n.end == name.start - 1 and n.senses[0].kind == SURE for n in names)
        somewhere = self.seats.place_words | {"from", "to", "of"}
        return name.before(2)[:1].isupper() and not state_before and any(name.before(i).lower() in somewhere for i in (3, 4, 5))

    def _acting(self, word: str) -> bool:
        return word == "'s" or word in self.seats.finite or word in self.seats.auxiliaries

    def _settle_seats(self, names: list[Name], sure: dict[int, list[Name]]) -> None:
        """A seat is a government where it acts or is addressed, and where its state is named anyway; but not as a place."""
        seats = [n for n in names if n.senses[0].kind == SEAT and n.after() not in self.words.other_names and not _dateline(n)]
        others = {(id(n.doc), n.start): n for n in names if n.senses[0].kind in (SEAT, SURE)}
        company = {id(n.doc) for ns in sure.values() for n in ns}
        for name in seats:
            second = others.get((id(name.doc), name.end + 1)) if self._is_linked(name) else None
            if self.seats.is_place(name):
                continue
            pair = second is not None and self._is_government(second)
            free = id(name.doc) in company and self.seats.is_free(name)
            if pair or free or name.senses[0].index in sure or self.seats.acts(name):
                for each in (name, second) if pair and second else (name,):
                    found = sure.setdefault(each.senses[0].index, [])
                    if each not in found:
                        found.append(each)
        self._settle_listed(seats, sure)

    def _is_linked(self, name: Name) -> bool:
        """Whether another may follow that it acts with: "Tokyo and Rome", at the head of a title "Tokyo, Rome trade barbs"."""
        headed = name.field == "title" and name.start == 0 and name.after() in (",", "v")
        return name.after() in ("and", "-", "/") or (headed and name.after(3).lower() not in self.seats.there | {",", "and", ""})

    def _settle_listed(self, seats: list[Name], sure: dict[int, list[Name]]) -> None:
        """Seats enumerated before one that acts do so too: "London, Paris and Berlin had begged"."""
        acting = {(id(n.doc), n.start) for n in seats if n in sure.get(n.senses[0].index, ())}
        for name in reversed(seats):
            linked = name.after() in ("and", ",") and (id(name.doc), name.end + 1) in acting
            if linked and (id(name.doc), name.start) not in acting and not self.seats.is_place(name):
                acting.add((id(name.doc), name.start))
                sure.setdefault(name.senses[0].index, []).append(name)

    def _is_government(self, name: Name) -> bool:
        return name.senses[0].kind == SEAT or self._is_state(name.senses[0])

    def _settle_company(self, names: list[Name], sure: dict[int, list[Name]]) -> None:
        """A state with a common name is one in the company of states: "the United States and Jordan", "Jordan, Syria"."""
        edges = self._edges(sure, ("state",))
        for name in names:
            sense = name.senses[0]
            if sense.kind == SHORT and sense.index not in sure and self._is_state(sense) and _linked(name, edges):
                sure.setdefault(sense.index, []).append(name)

    def _edges(self, sure: dict[int, list[Name]], kinds: tuple[str, ...]) -> set[tuple[int, int]]:
        """Where the names of actors of these kinds begin and end: (field, token)."""
        of_kind = (ns for i, ns in sure.items() if self.lexicon.specs[i].kind in kinds)
        return {(id(n.doc), edge) for ns in of_kind for n in ns for edge in (n.start, n.end)}

    def _settle_short(self, names: list[Name], sure: dict[int, list[Name]], text: str, day: date) -> None:
        full = set(sure)
        open_names = [n for n in names if n.senses[0].kind == SHORT and not any(n in sure.get(s.index, ()) for s in n.senses)]
        unsettled = []
        for name in open_names:
            title = self._title(name)
            known = [s for s in name.senses if s.index in full and not self._forename(name)]
            titled = [s for s in name.senses if title and title <= self._offices[s.index]]
            meant = [
                s for s in name.senses if not title and (self._owned(s, name, names, day) or self._by_context(s, name, text))
            ]
            for sense in (titled or known or meant)[:1]:
                sure.setdefault(sense.index, []).append(name)
            if not (title or known or meant):
                unsettled.append(name)
        while unsettled:
            before = len(sure)
            self._settle_rulers(unsettled, names, sure, text, day)
            settled = {id(n) for ns in sure.values() for n in ns}
            unsettled = [n for n in unsettled if id(n) not in settled] if len(sure) > before else []

    def _owned(self, sense: Sense, name: Name, names: list[Name], day: date) -> bool:
        """In office on the day for whom stands before it in the genitive: "Japan's Kishida"."""
        spec = self.lexicon.specs[sense.index]
        office = office_of(spec, day) if spec.kind == "person" and name.before() == "'s" else None
        if office is None or self._part_of_longer(name):
            return False
        owner = self.lexicon.index_of.get(office.of or spec.state)
        return any(n.doc is name.doc and n.end == name.start - 1 and n.senses[0].index == owner for n in names)

    def _settle_rulers(self, unsettled: list[Name], names: list[Name], sure: dict[int, list[Name]], text: str, day: date) -> None:
        """A common surname is who holds office, where it acts as such and in the company of other actors."""
        full, edges = set(sure), self._edges(sure, ("state", "person"))
        said = self.words.plain_title(text)
        company = bool(full) or any(n.senses[0].kind == SEAT for n in names)
        if not company or self._states_are_places(sure, text):
            return
        for name in unsettled:
            ruling = [s for s in name.senses if self._rules(s, name, day, edges) or self._told(s, name, day, said, full)]
            at_home = [s for s in ruling if self.lexicon.index_of.get(self.lexicon.specs[s.index].state) in full]
            for sense in (at_home or ruling)[:1]:
                sure.setdefault(sense.index, []).append(name)

    def _rules(self, sense: Sense, name: Name, day: date, edges: set[tuple[int, int]]) -> bool:
        """In office on the day, and acting as those in office do: "Johnson warns Tokyo", "Trump and Kim"."""
        spec = self.lexicon.specs[sense.index]
        if spec.kind != "person" or office_of(spec, day) is None or self._part_of_longer(name):
            return False
        if name.before().lower() in ("the", "a", "an", "'s"):
            return False
        travels = self.seats.travels
        acts = self.seats.acts(name) or name.after().lower() in travels or name.before().lower() in travels or _quoted(name)
        return (acts and not self.seats.is_place(name)) or _linked(name, edges)

    def _told(self, sense: Sense, name: Name, day: date, said: str, named: set[int]) -> bool:
        """The entry, whose words are `said`, speaks of the office: "Austin ... the defence secretary"."""
        spec = self.lexicon.specs[sense.index]
        office = office_of(spec, day) if spec.kind == "person" else None
        if office is None or self._part_of_longer(name) or self._forename(name):
            return False
        whose = self.lexicon.index_of.get(office.of or spec.state) in named
        title = self._title_of[office.title]
        return " " in title and (whose or title not in OF_EVERY_STATE) and f" {title} " in f" {said} "

    def _by_context(self, sense: Sense, name: Name, text: str) -> bool:
        context = self._context[sense.index]
        return bool(context and context.search(text)) and not self._part_of_longer(name) and not self._is_a_states(sense, name)

    def _is_a_states(self, sense: Sense, name: Name) -> bool:
        """Whether a state has a body of the same name: "Norway's Security Council" is not that of the United Nations."""
        owner = name.before()
        return self.lexicon.specs[sense.index].code.startswith("IGO") and (owner == "'s" or owner in self.lexicon.senses)

    def _forename(self, name: Name) -> bool:
        return name.before() in self.words.forenames

    def _part_of_longer(self, name: Name) -> bool:
        """A capitalised word beside it makes it another name: "Ron Johnson", "Jordan Henderson"."""
        return self._capital(name, name.before(), name.start == 0) or self._capital(name, name.after(), False)

    def _capital(self, name: Name, word: str, first: bool) -> bool:
        if first or not word[:1].isupper() or word.lower() in STOP or word in self.words.honorifics:
            return False
        return word not in self.lexicon.senses and not title_case(name.doc)

    def _title(self, name: Name) -> set[str]:
        """The words of the title in front of the name, none if there is none."""
        found: list[str] = []
        for step in range(1, TITLE_REACH + 1):
            word = name.before(step).lower().rstrip(".")
            if not word.isalpha() or (step == 1 and word not in self._title_end):
                break
            if word not in STOP and word not in self._title_words:
                break
            found.append(word)
        return self.words.title_words(" ".join(found))

    def _is_state(self, sense: Sense) -> bool:
        return self.lexicon.specs[sense.index].kind == "state"

    def _states_are_places(self, sure: Mapping[int, list[Name]], text: str) -> bool:
        """Sport and accidents: a state is a team or a place there, unless somebody in office has a part in it."""
        kinds = {self._public(self.lexicon.specs[i]) for i in sure}
        if True in kinds:
            return False
        words = set(re.findall(r"\w+", text.lower()))
        return any(scene.fits(text, words) for scene in self.words.scenes)

    @staticmethod
    def _public(spec: ActorSpec) -> bool:
        return spec.kind in ("government", "military", "group") or (spec.kind == "person" and bool(spec.offices))


def _linked(name: Name, edges: set[tuple[int, int]]) -> bool:
    """Whether "and" or the like stands between the name and one of the edges."""
    links = ("and", "-", ",", "/")
    before = name.before() in links and (id(name.doc), name.start - 1) in edges
    return before or (name.after() in links and (id(name.doc), name.end + 1) in edges)


def _quoted(name: Name) -> bool:
    """As headlines have it: '"No way back": Johnson at summit'."""
    return name.field == "title" and name.before() == ":" and name.before(2) in ('"', "'")


def _any_of(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Any of the words; one in lower case with any capitals."""
    if not words:
        return None
    each = (f"(?i:{re.escape(w)})" if w == w.lower() else re.escape(w) for w in map(plain, words))
    return re.compile(rf"(?<!\w)(?:{'|'.join(each)})(?!\w)")


def _dateline(name: Name) -> bool:
    """ "TOKYO (AP)", "PARIS, Dec 7": where a report was written."""
    return name.start == 0 and name.after() in ("(", ",") and name.field != "title"


def _shouted(name: Name) -> bool:
    letters, small = letters_of(name.doc)
    return letters > 2 * len(name.text) and not small


def _ordered(chosen: list[Name], names: list[Name]) -> list[Name]:
    place = {id(n): i for i, n in enumerate(names)}
    return sorted(chosen, key=lambda n: place[id(n)])
