"""Governments that go by the town they sit in: "Tokyo rejects the offer", not "shops in Tokyo".

A seat is a government where it does what governments do, where something is done to it that is done to governments, where
it has what they have, and where its state is named anyway; never where a word of place stands before it.
"""

from __future__ import annotations

import functools
from pathlib import Path

from schemas.config import Settings, read_yaml
from transforms.actors.english import STOP
from transforms.actors.lexicon import Name

SENDING = frozenset({"to", "from", "on", "for", "of", "with", "upon", "over", "as", "towards"})
NO_SUBJECT = frozenset({"of", "from", "to", "through", "into", "for", "on", "onto", "via"})  # who acts is named before them
NOT_FREE = frozenset(
    {"in", "toward", "beyond", "after", "before", "since", "by", "west", "east", "north", "south", ",", ":", "."}
)  # before a town, as SENDING and NO_SUBJECT, they leave open whether it is one
QUESTIONS = frozenset({"", "what", "why", "how", "when", "where", "whom", ":", ".", "?", "!", ";", '"', "'", "and", "but", "or"})
AFTER_VERBS = frozenset({"its", "any", "no"})  # but hardly after nouns
VOWELS = "aeiou"
REACH = 3  # tokens: how far a noun may stand from its genitive, a verb from its seat, "with" from what is sent
ABSTRACT = ("tion", "sion", "ment", "ness", "ism", "ity", "ance", "ence", "acy", "cies", "tions", "sions", "ments", "als")


class SeatWords(Settings):
    """The words of seats.yaml, in lower case.

    place_words      before a seat they make it the place where something happens ("in Tokyo")
    verbs            what governments do, and what is done to them, in the infinitive
    irregular        forms of such verbs that no rule gives
    auxiliaries      after a seat they make it a government as verbs do, but not before one of `befallen` ("Tokyo was shelled")
    travels          what persons in office do besides ("meets", "arrives")
    open             forms of such verbs that are done to towns as well ("takes Tokyo")
    there            after a seat they make it the place of something ("the Tokyo summit")
    fillers          may stand between a seat and its verb
    addressed_words  before a seat they make it a government ("against Tokyo")
    sent_words       with "to", "from", "on" and the like before a seat they do the same ("a message to Tokyo")
    travel_words     before "between" they make two seats places ("flights between Rome and Madrid")
    holders          with "in" before a seat they make it a government ("officials in Tokyo")
    holdings         after its genitive they do the same ("Tokyo's demands")
    joined           after a hyphen they do the same ("Tokyo-backed")
    attributes       right after it they do the same ("Tokyo negotiators")
    followers        after "and its" they do the same ("Tokyo and its allies")
    """

    place_words: frozenset[str]
    verbs: frozenset[str]
    irregular: frozenset[str]
    auxiliaries: frozenset[str]
    befallen: frozenset[str]
    travels: frozenset[str]
    open: frozenset[str]
    there: frozenset[str]
    fillers: frozenset[str]
    addressed_words: frozenset[str]
    sent_words: frozenset[str]
    travel_words: frozenset[str]
    holders: frozenset[str]
    holdings: frozenset[str]
    joined: frozenset[str]
    attributes: frozenset[str]
    followers: frozenset[str]

    @functools.cached_property
    def finite(self) -> frozenset[str]:
        """Forms of the verbs that follow one who acts: "rejects", "rejected"."""
        return self.irregular | {form for verb in self.verbs for form in (_third(verb), _past(verb))}

    @functools.cached_property
    def transitive(self) -> frozenset[str]:
        """All forms of the verbs: "reject", "rejects", "rejected", "rejecting"."""
        return (self.finite | self.verbs | {_ing(verb) for verb in self.verbs}) - self.place_words - self.open

    def is_place(self, name: Name) -> bool:
        """Whether a word of place stands before the seat; before the first, if it is the second of two."""
        step = 1
        while step < 7 and name.before(step) in ("and", "-", "/", ",") and name.before(step + 1)[:1].isupper():
            if name.before(step) == "," and self._does(name):
                return False  # "In Geneva, Tokyo says no"
            step += 2  # the first of the two decides
        before = name.before(step).lower()
        if before == "in" and _near(name, step + 1) & self.holders:
            return False
        between = before == "between" and name.before(step + 1).lower() in self.travel_words
        return before in self.place_words or between

    def acts(self, name: Name) -> bool:
        """Whether the words around the name make it one who acts or is addressed."""
        before = name.before().lower()
        if before == "in":
            return bool(_near(name, 2) & self.holders)
        if name.after() == "'s":
            return self._has(name)
        if name.after().lower() in self.there:
            return False
        if before in SENDING and self._is_sent(name):
            return True
        if before in ("says", "said") and name.after().islower():
            return self._does(name)  # not "says Tokyo crash was avoidable"
        if before in self.addressed_words or before in self.transitive or self._joined(name) or self._leads(name):
            return True
        if before in self.auxiliaries and self._is_asked_of(name):
            return True
        return before not in NO_SUBJECT and self._does(name)

    def is_free(self, name: Name) -> bool:
        """Whether nothing makes it a place or an attribute of one; beside an actor it is one as well then."""
        before, after = name.before().lower(), name.after()
        attribute = after.islower() and after.isalpha() and after not in STOP
        placed = before in SENDING | NO_SUBJECT | NOT_FREE | self.open or after == "-"
        return not placed and after.lower() not in self.there and not attribute

    def _is_sent(self, name: Name) -> bool:
        heading = name.before() == "to" and name.after() == ":" and name.start == 2  # "Paris to Tokyo: ..."
        return heading or bool(_near(name, 2) & self.sent_words)

    def _joined(self, name: Name) -> bool:
        if name.before() == "-" and name.before(2).lower() in ("pro", "anti"):
            return True
        return name.after() == "-" and name.after(2).lower() in self.joined

    def _leads(self, name: Name) -> bool:
        """It has others on its side: "Tokyo and its allies"."""
        return (name.after().lower(), name.after(2).lower()) == ("and", "its") and name.after(3).lower() in self.followers

    def _is_asked_of(self, name: Name) -> bool:
        """The subject of a question: "Is Tokyo losing?", "What would Tokyo do?"."""
        asked = name.before(2).lower() in QUESTIONS or name.start == 1
        verb = name.after().lower()
        made = name.before().lower() in ("has", "have", "had") and verb in self.verbs  # "the draft has Tokyo give in"
        return made or (asked and (verb in self.transitive or verb in ("do", "be", "have", "go", "come")))

    def _does(self, name: Name) -> bool:
        """The seat is the subject of what follows it."""
        after = name.after().lower()
        if after in (":", "to", "on"):
            return name.field == "title" and self._speaks(name)
        if after == ",":
            return name.after(2) in ("which", "whose", "meanwhile", "however") and name.start == 0
        if after == "" and name.field == "title":
            return name.before() == "-" and bool(name.doc[name.start - 1].whitespace_)  # "No deal - Tokyo"
        step = 1
        while step <= REACH and (name.after(step).lower() in self.fillers or name.after(step).endswith("ly")):
            step += 1
        verb = name.after(step).lower()
        if any(name.after(i).lower() in self.auxiliaries for i in range(1, step + 1)):
            return self._is_no_victim(name, step)
        asked = name.before() == "that" and verb in self.verbs  # "demands that Tokyo answer"
        has = after in self.holders or after in self.attributes
        looks_so = name.field == "title" and _is_verb(verb) and name.after(step + 1).lower() in AFTER_VERBS
        return asked or has or looks_so or verb in self.finite or (step > 1 and verb in self.transitive)

    def _speaks(self, name: Name) -> bool:
        """As headlines have it: "Tokyo: no deal", "Tokyo to recall envoy", "Tokyo to Paris: no deal", "No deal: Tokyo on gas"."""
        after, second = name.after(), name.after(2)
        if after == ":":
            return name.before() in ("", ".", ";", "?", "!", "the", "The", "and")
        if after == "on":
            return name.before() == ":"
        return second == '"' or name.after(3) == ":" or (second.islower() and second not in ("the", "a", "and"))

    def _is_no_victim(self, name: Name, step: int) -> bool:
        following = [name.after(i).lower() for i in range(step, step + REACH)]
        skipped = [word for word in following if word not in self.auxiliaries and word not in ("been", "being", "be", "not")]
        return not skipped or skipped[0] not in self.befallen

    def _has(self, name: Name) -> bool:
        """The genitive of a government: "Tokyo's latest demands", not "Tokyo's parks"."""
        for step in range(2, 2 + REACH):
            word = name.after(step).lower()
            if word == "-":
                continue  # "Tokyo's naval build-up"
            if not word.isalpha():
                return False
            if word in self.holdings or word in self.holders or (word.endswith(ABSTRACT) and len(word) > 6):
                return True
        return False


def _near(name: Name, step: int) -> set[str]:
    """The words of the REACH tokens that begin so many steps before the name."""
    return {name.before(i).lower() for i in range(step, step + REACH)}


def _is_verb(word: str) -> bool:
    """Whether it may be a verb's third person, by its form: "locks"."""
    return len(word) > 3 and word.islower() and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _third(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")


def _past(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied"
    return verb + "d" if verb.endswith("e") else _doubled(verb) + "ed"


def _ing(verb: str) -> str:
    return (verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else _doubled(verb)) + "ing"


def _doubled(verb: str) -> str:
    """With its last letter twice where English doubles it: "ban", "drop", "expel", "admit"."""
    short = verb[-1] not in VOWELS + "wxy" and verb[-2] in VOWELS and not any(c in VOWELS for c in verb[:-2])
    return verb + verb[-1] if short or verb.endswith(("pel", "mit", "fer", "vet", "bel", "nal")) else verb


@functools.cache
def seat_words() -> SeatWords:
    """The words of seats.yaml, read once."""
    return read_yaml(Path(__file__).with_name("seats.yaml"), SeatWords)
