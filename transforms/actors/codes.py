"""Codes: an actor's country and sector in the letters of CAMEO and PLOVER, as of a day.

Poland                             POL           a state: ISO 3166 alpha-3
the Polish Ministry of Defence     POLGOV        a body, a force, a company: its state and its sector
Andrzej Duda, on a day in 2022     POLGOV        a person: the sector of the office held on that day
Lech Walesa, on the same day       POLELI        out of office: the elite
NATO                               IGOWSTNAT     an international actor: CAMEO's own code
Jens Stoltenberg, in office        IGOWSTNAT     and who speaks for it
"""

from __future__ import annotations

import re

from schemas.watch import ActorSpec, Office
from transforms.actors.english import English

STATE_LETTERS = 3  # of a code: the country; a longer one says the sector as well, which holds for those who act for it
NO_STATES = frozenset({"IGO", "NGO", "IMG", "WST"})  # international actors of no closer kind, and the West: they have no sectors
OF_KIND = {"government": "GOV", "military": "MIL", "group": "REB"}
OUT_OF_OFFICE = "ELI"  # CAMEO codebook 4: former officials are elites


class Codes:
    """Codes of the actors of a list."""

    def __init__(self, specs: tuple[ActorSpec, ...], words: English) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._sectors = [(rule.sector, re.compile(rf"\b(?:{'|'.join(rule.words)})\b", re.IGNORECASE)) for rule in words.sectors]

    def of(self, spec: ActorSpec, office: Office | None = None) -> str:
        """The code of an actor who holds the office, "" if nothing is known.

        The sector of a person is that of the office, else the list's, else the elite's if there was an office before.
        """
        if office is not None:
            return self._sectored(self._of_name(office.of or spec.state), office.sector or self.sector(office.title))
        if spec.code:
            return spec.code
        if spec.kind == "person":
            return self._sectored(self._of_name(spec.state), spec.sector or (OUT_OF_OFFICE if spec.offices else ""))
        return self._sectored(self._of_name(spec.state), spec.sector or OF_KIND.get(spec.kind, ""))

    def of_stranger(self, state: str, title: str) -> str:
        """The code of a person whom no list knows, by the state and the title that the text gives."""
        return self._sectored(self._of_name(state), self.sector(title))

    def sector(self, title: str) -> str:
        """The sector of an office: "Chief of the General Staff" is MIL, "Foreign Minister" GOV."""
        return next((sector for sector, words in self._sectors if words.search(title)), "GOV")

    def _of_name(self, name: str) -> str:
        spec = self._specs.get(name)
        return self.of(spec) if spec else ""

    @staticmethod
    def _sectored(code: str, sector: str) -> str:
        return code + sector if len(code) == STATE_LETTERS and code not in NO_STATES else code
