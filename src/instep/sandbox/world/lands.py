"""Where the people of the world live: names, streets, postal codes and telephone numbers by country.

A name that is not written in Latin letters carries its romanisation after a bar, for e-mail addresses.
All people are invented; streets and postal codes are real enough to pass a check of their form.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """`state_code` and `state` only where an address needs them."""

    city: str
    postal_code: str
    state_code: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class Land:
    """`phone` is the local form and `prefix` what stands before it abroad; `#` is any digit."""

    code: str
    locale: str
    language: str
    currency: str
    tax_percent: int
    tax_number: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    streets: tuple[str, ...]
    places: tuple[Place, ...]
    phone: str
    prefix: str


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _places(text: str) -> tuple[Place, ...]:
    """`city/postal code`, or `city/postal code/state code/state`."""
    return tuple(Place(*part.split("/")) for part in _words(text))


LANDS: tuple[Land, ...] = (
    Land(
        "NO", "nb-NO", "nb", "NOK", 25, "NO#########MVA",
        _words("Åse, Bjørn, Ingvild, Håkon, Solveig, Øystein, Kari, Sigrid, Tor-Arne, Márjá"),
        _words("Ødegård, Sæther, Bråthen, Hansen, Lærdal, Bjørnstad, Nordgård, Eikås, Utsi"),
        _words("Storgata #, Fjordveien ##, Kirkegata #, Øvre Slottsgate ##, Bjørkeveien ##"),
        _places("Oslo/0155, Bergen/5003, Trondheim/7011, Tromsø/9008, Ålesund/6002"),
        "### ## ###", "+47 ",
    ),
    Land(
        "SE", "sv-SE", "sv", "SEK", 25, "SE##########01",
        _words("Åsa, Björn, Märta, Göran, Elsa, Örjan, Linnéa, Nils, Sixten"),
        _words("Sjöström, Åkesson, Lindqvist, Öberg, Nyström, Bäckman, Hägg, Wallin"),
        _words("Drottninggatan ##, Storgatan #, Ängsvägen ##, Västra Hamngatan #"),
        _places("Stockholm/111 22, Göteborg/411 03, Malmö/211 34, Umeå/903 26"),
        "070-### ## ##", "+46 ",
    ),
    Land(
        "DE", "de-DE", "de", "EUR", 19, "DE#########",
        _words("Jürgen, Ida, Käthe, Günther, Sören, Anneliese, Björn, Zoë, Lukas"),
        _words("Müller, Weiß, Köhler, Großmann, Kern, von der Heydt, Schröder, Jäger, Öztürk"),
        _words("Hafenweg #, Lange Straße ##, Königsallee ##, Am Mühlbach #, Schloßplatz #"),
        _places("Kiel/24103, Köln/50667, München/80331, Düsseldorf/40213, Görlitz/02826"),
        "0### ######", "+49 ",
    ),
    Land(
        "FR", "fr-FR", "fr", "EUR", 20, "FR###########",
        _words("Zoé, Hélène, François, Gaëlle, Anaïs, Jérôme, Chloé, Noël, Maël"),
        _words("Lefèvre, d'Aubigné, Guérin, Le Goff, Béranger, N'Diaye, Lacroix, Garçon"),
        _words("## rue de l'Église, # avenue Victor-Hugo, ## quai Saint-Antoine, # place du Marché"),
        _places("Paris/75011, Lyon/69002, Nîmes/30000, Orléans/45000, Bourg-lès-Valence/26500"),
        "0# ## ## ## ##", "+33 ",
    ),
    Land(
        "JP", "ja-JP", "ja", "JPY", 10, "T#############",
        _words("さくら|sakura, 健太|kenta, 美咲|misaki, 翔|sho, 陽菜|hina, ひろし|hiroshi"),
        _words("佐藤|sato, 鈴木|suzuki, 高橋|takahashi, 渡辺|watanabe, 小林|kobayashi, 加藤|kato"),
        _words("丸の内#丁目#-#, 西新宿#-#, 北一条西##丁目, 梅田#-##-#"),
        _places("東京/100-0005, 大阪/530-0001, 札幌/060-0001, 京都/600-8216"),
        "03-####-####", "+81 ",
    ),
    Land(
        "US", "en-US", "en", "USD", 8, "##-#######",
        _words("Grace, José, Renée, Malik, Zoë, Walter, Siobhán, LaToya, Mary-Jane"),
        _words("O'Connor, Nuñez, Washington, McAllister, Smith-Jones, Nguyen, D'Angelo, Begay"),
        _words("#### Market St, ### Elm Street Apt #, #### NW 5th Ave, ## Peachtree Rd"),
        _places(
            "San Francisco/94103/CA/California, Portland/97209/OR/Oregon, Austin/78701/TX/Texas,"
            " New York/10013/NY/New York, Chicago/60607/IL/Illinois"
        ),
        "(###) 555-01##", "+1 ",
    ),
    Land(
        "GB", "en-GB", "en", "GBP", 20, "GB#########",
        _words("Siân, Alistair, Niamh, Rhys, Imogen, Oluwaseun, Zara, Graham"),
        _words("O'Brien, Llewellyn, MacDonald, Featherstonehaugh, Adebayo, Patel, Smythe"),
        _words("## High Street, Flat # ## Baker Street, # The Old Mill, ## Princes Street"),
        _places("London/SW1A 1AA, Edinburgh/EH2 2ER, Caernarfon/LL55 2NH, Belfast/BT1 5GS"),
        "020 7946 0###", "+44 ",
    ),
    Land(
        "BR", "pt-BR", "pt", "BRL", 17, "##.###.###/0001-##",
        _words("João, Conceição, Antônio, Letícia, Luís, Érica, Thaís, Íris"),
        _words("da Conceição, Gonçalves, Araújo, dos Santos, Magalhães, Assunção, Brandão"),
        _words("Rua São João ###, Avenida Paulista ####, Praça da Sé ##, Travessa Ipê #"),
        _places("São Paulo/01310-100/SP/São Paulo, Maceió/57020-000/AL/Alagoas, Goiânia/74003-010/GO/Goiás"),
        "(11) 9####-####", "+55 ",
    ),
    Land(
        "IN", "en-IN", "en", "INR", 18, "##ABCDE####F1Z#",
        _words("प्रिया|priya, अर्जुन|arjun, Lakshmi, Rahul, कविता|kavita, Sanjay, Anjali"),
        _words("शर्मा|sharma, Krishnamurthy, Iyer, पटेल|patel, Chatterjee, सिंह|singh"),
        _words("## MG Road, #/## Nehru Nagar, ## Park Street, Plot ### Sector ##"),
        _places(
            "Bengaluru/560001/KA/Karnataka, Mumbai/400001/MH/Maharashtra, Chennai/600002/TN/Tamil Nadu,"
            " Kolkata/700016/WB/West Bengal"
        ),
        "98### #####", "+91 ",
    ),
    Land(
        "IS", "is-IS", "is", "ISK", 24, "######",
        _words("Guðrún, Þór, Ásdís, Björk, Jökull, Sæunn, Ægir"),
        _words("Þórðardóttir, Jónsson, Guðmundsdóttir, Ægisson, Björnsdóttir"),
        _words("Laugavegur ##, Hverfisgata #, Skólavörðustígur ##, Álfheimar #"),
        _places("Reykjavík/101, Akureyri/600, Ísafjörður/400, Höfn/780"),
        "### ####", "+354 ",
    ),
    Land(
        "GR", "el-GR", "el", "EUR", 24, "EL#########",
        _words("Σοφία|sofia, Γιώργος|giorgos, Ελένη|eleni, Νίκος|nikos, Άννα|anna"),
        _words("Παπαδοπούλου|papadopoulou, Γεωργίου|georgiou, Οικονόμου|oikonomou, Αγγελής|angelis"),
        _words("Ερμού ##, Λεωφόρος Αλεξάνδρας ##, Τσιμισκή #, Αγίου Δημητρίου ###"),
        _places("Αθήνα/105 57, Θεσσαλονίκη/546 24, Πάτρα/262 21"),
        "21# ### ####", "+30 ",
    ),
    Land(
        "ES", "es-ES", "es", "EUR", 21, "ESB########",
        _words("Iñaki, María José, Núria, Álvaro, Begoña, Jesús, Ángela"),
        _words("Muñoz, Ibáñez, de la Peña, Güell, Fernández-Ordóñez, Peña"),
        _words("Calle Mayor ##, Carrer de València ###, Plaza España #, Avenida de la Constitución ##"),
        _places("Madrid/28013, Barcelona/08007, A Coruña/15001, Donostia-San Sebastián/20003"),
        "6## ## ## ##", "+34 ",
    ),
    Land(
        "DK", "da-DK", "da", "DKK", 25, "DK########",
        _words("Søren, Kirstine, Åge, Mette, Jørgen, Freja"),
        _words("Østergaard, Kjær, Nørgård, Møller, Bæk, Sørensen"),
        _words("Nørregade ##, Vesterbrogade ###, Ågade #, Søndergade ##"),
        _places("København/1165, Aarhus/8000, Ærøskøbing/5970"),
        "## ## ## ##", "+45 ",
    ),
    Land(
        "FI", "fi-FI", "fi", "EUR", 25, "FI########",
        _words("Päivi, Jyrki, Äinö, Väinö, Hanna, Yrjö"),
        _words("Mäkelä, Hämäläinen, Yli-Hukka, Järvinen, Öhman, Säkkinen"),
        _words("Mannerheimintie ##, Hämeenkatu #, Järvikatu ##, Etelä-Esplanadi #"),
        _places("Helsinki/00100, Tampere/33100, Jyväskylä/40100, Hämeenlinna/13100"),
        "040 ### ####", "+358 ",
    ),
)  # fmt: skip
BY_CODE: dict[str, Land] = {land.code: land for land in LANDS}

_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "ß": "ss", "ð": "d", "þ": "th", "đ": "d", "ł": "l"})


def written(name: str) -> str:
    """A name as it is written."""
    return name.partition("|")[0]


def romanised(name: str) -> str:
    """A name in the small letters of an e-mail address."""
    text = (name.partition("|")[2] or name).lower().translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())
