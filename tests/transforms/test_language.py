"""What is not in the watch's language is refused, and nothing else is: the headlines are ours."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from factories import an_entry

from transforms.language import is_read, primary

SAMPLES = Path(__file__).parents[2] / "watches"


def read(title: str, summary: str = "", language: str = "", languages: tuple[str, ...] = ("en",)) -> bool:
    return is_read(an_entry(title=title, summary=summary, language=language), languages)


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("ru", "Путин проведёт переговоры с Байденом по видеосвязи"),
        ("ru", "Шойгу: учения идут по плану"),
        ("uk", "Зеленський закликав союзників діяти негайно"),
        ("bg", "Президентът Радев разговаря със Столтенберг"),
        ("sr", "Vučić najavio sastanak sa Putinom u Moskvi"),
        ("de", "Baerbock warnt Russland vor Einmarsch in die Ukraine"),
        ("de", "Was wir über die Lage im Donbass wissen"),
        ("fr", "Macron reçoit Zelensky à l'Élysée"),
        ("fr", "La Russie masse des troupes à la frontière"),
        ("es", "Rusia moviliza tropas cerca de Ucrania"),
        ("es", "Sánchez ofrece enviar fragatas al mar Negro"),
        ("pl", "Morawiecki: sankcje muszą być dotkliwe"),
        ("pl", "Wojska rosyjskie przy granicy z Ukrainą"),
        ("it", "Ucraina, Di Maio: serve una soluzione diplomatica"),
        ("pt", "Bolsonaro viaja a Moscou e encontra Putin"),
        ("nl", "Rutte: sancties tegen Rusland liggen klaar"),
        ("sv", "Nato skickar fler soldater till Baltikum"),
        ("tr", "Ukrayna sınırında gerginlik artıyor"),
        ("ro", "Rusia a mobilizat trupe la graniţă"),
        ("cs", "Zeman: Invaze na Ukrajinu nebude"),
        ("hu", "Orbán Moszkvában tárgyalt Putyinnal"),
        ("fi", "Niinistö keskusteli Putinin kanssa"),
        ("et", "Kallas: Venemaa peab väed tagasi tõmbama"),
        ("lt", "Nausėda: NATO turi stiprinti rytinį flangą"),
        ("id", "Jokowi bertemu Putin di Moskow untuk membahas Ukraina"),
        ("vi", "Tổng thống Putin điện đàm với ông Biden về Ukraine"),
        ("el", "Ο Πούτιν συναντά τον Μακρόν στη Μόσχα"),
        ("ar", "بوتين يبحث مع بايدن الأزمة الأوكرانية"),
        ("fa", "پوتین و بایدن گفت‌وگو کردند"),
        ("he", "פוטין וביידן ישוחחו בטלפון"),
        ("zh", "普京与拜登举行视频通话"),
        ("ja", "プーチン大統領とバイデン大統領が会談"),
        ("ko", "푸틴 대통령, 바이든과 화상 회담"),
        ("hi", "पुतिन और बाइडेन की वीडियो कॉल पर बात"),
        ("th", "ปูตินหารือไบเดนเรื่องยูเครน"),
        ("ka", "პუტინი და ბაიდენი ისაუბრებენ"),
    ],
)
@pytest.mark.parametrize("declared", [True, False, None], ids=["as declared", "undeclared", "declared English"])
def test_a_headline_in_another_language_is_refused_whatever_its_feed_says(
    language: str, title: str, declared: bool | None
) -> None:
    assert not read(title, language={True: language, False: "", None: "en"}[declared])


@pytest.mark.parametrize("language", ["", "en", "en-GB", "EN_us", "ru", "de-AT"])
@pytest.mark.parametrize(
    ("title", "summary"),
    [
        ("Zelenskyy, Duda and Nauseda meet in Hutsulshchyna", "The three presidents spoke for two hours."),
        ("Kherson, Mykolaiv, Zaporizhzhia: what we know", "Residents tell of a night in the cellars."),
        ("Putin, Xi and Lukashenko in Vladivostok", "The three leaders will watch a parade of the fleet."),
        ("Ya Allah: Erdogan's speech in full", "The president spoke for an hour in Istanbul."),
        ("Le Pen, Mélenchon, Zemmour: who will face Macron?", "A guide to the candidates in the French election."),
    ],
)
def test_english_full_of_names_is_read_even_under_a_wrong_label(title: str, summary: str, language: str) -> None:
    assert read(title, summary, language)


@pytest.mark.parametrize(
    "title",
    ["Shelling in Stanytsia Luhanska", "Blinken, Lavrov meet in Stockholm", "Zelensky in Lviv", "Live", "G7", "—", ""],
)
def test_in_doubt_a_text_is_read(title: str) -> None:
    assert read(title)


@pytest.mark.parametrize(("language", "expected"), [("", True), ("en", True), ("de", False)])
def test_where_there_are_too_few_words_the_feed_decides(language: str, expected: bool) -> None:
    assert read("Liveticker", language=language) is expected


def test_a_watch_may_read_other_languages() -> None:
    assert read("Was wir über die Lage im Donbass wissen", languages=("en", "de-DE"))


def test_no_entry_of_the_recordings_is_refused() -> None:
    files = [p for p in SAMPLES.glob("*/sample/*.yaml") if p.name != "outlets.yaml"]
    entries = [entry for p in files for entry in _entries(yaml.load(p.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))]
    assert len(entries) > 300
    assert [title for title, summary in entries if not (read(title) and read(title, summary))] == []


@pytest.mark.parametrize(("tag", "expected"), [("en-GB", "en"), ("EN_us", "en"), (" zh-Hant ", "zh"), ("", "")])
def test_the_primary_subtag_is_the_language(tag: str, expected: str) -> None:
    assert primary(tag) == expected


def _entries(node: object) -> list[tuple[str, str]]:
    """All (title, summary) of a recording, however deep they stand."""
    if isinstance(node, list):
        return [entry for child in node for entry in _entries(child)]
    if isinstance(node, dict):
        own = [(node["title"], node.get("summary", ""))] if "title" in node else []
        return own + [entry for child in node.values() for entry in _entries(child)]
    return []
