"""The surface features a new bundle is trained with. They go into its `features.json`; nothing else reads them.

Each row is one thing that readers of prompts look for: words to be lettered, speed or roughness, counts, relations,
negation, narrative, tag soup. Several European languages share a row where they share the idea.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from classifier.features import FeatureSpec

_CERTAIN = re.compile(r"[a-z](?![?*{|])[^|]*$")


def _words(*alternatives: str) -> str:
    """Any of them. Sorted under their first letters, for at the start of a word each branch is tried."""
    branches: dict[str, list[str]] = {}
    for alternative in alternatives:
        # What does not begin with a letter that is certain is a branch of its own.
        letter = alternative[0] if _CERTAIN.match(alternative) else alternative
        branches.setdefault(letter, []).append(alternative[len(letter) :])
    return r"\b(?:" + "|".join(map(_branch, branches, branches.values())) + r")\b"


def _branch(start: str, ends: Sequence[str]) -> str:
    return start + (ends[0] if len(ends) == 1 else f"(?:{'|'.join(ends)})")


_SAYS = _words(
    "says", "saying", "said to read", "reads", "reading", "that read", "titled", "entitled", "lettered", "lettering",
    "captioned?", "engraved", "embossed", "inscribed", "inscription", "spell(?:s|ed|ing)?", "written", "headline",
    "headlined", "tagline", "slogan", "wordmark", "with the words?", "the words?", "the text", "the phrase",
    "the name", "named", "called", "brand(?:ed|ing)?", "masthead", "coverline", "copy", "(?:que|che) di(?:ce|ga)",
    "rotulad[oa]s?", "titulad[oa]s?", "frase", "palabras?", "inscripci[oó]n", "leyenda", "bordad[oa]s?",
    "grabad[oa]s?", "escrit[oa]s?", "letras", "qui dit", "indiqu\\w+", "affich(?:e|ant)", "marquée?s?",
    "intitul[ée]e?s?", "[ée]crite?s?", "inscrite?s?", "gravée?s?", "brod[ée]e?s?", "lettres", "aufschrift", "steht",
    "schriftzug", "beschrift\\w+", "betitelt", "spruch", "lautet", "gestickt", "graviert", "geschrieben", "worte?n?",
    "buchstaben?", "di(?:z|zendo)", "dizeres", "palavras?", "intitulad[oa]", "gravad[oa]s?", "letreiro",
    "scritt[oaei]", "parola|(?:le|con|delle) parole", "intitolat[oa]", "ricamat[oa]", "incis[oa]", "stampat[oa]",
    "recita", "lettere", "testo", "texto", "texte",
)  # fmt: skip
_DELIVERABLE = _words(
    "logos?", "logotipo", "banners?", "posters?", "flyers?", "signs?", "signage", "labels?", "stickers?",
    "business cards?", "invitations?", "infographics?", "typograph(?:y|ic)", "calligraphy", "monogram", "emblem",
    "badge", "billboards?", "brochure", "leaflet", "book cover", "magazine cover", "album cover", "certificate",
    "carteles", "cartel", "letreros?", "r[oó]tulos?", "p[oó]ster(?:es)?", "afiche", "pancarta", "etiquetas?",
    "tarjetas?", "folletos?", "camisetas?", "taza", "portada", "pegatinas?", "invitaci[oó]n", "diploma", "pizarra",
    "pantalla", "affiches?", "panneaux?", "enseignes?", "pancartes?", "[ée]tiquettes?", "carte de", "prospectus",
    "couverture", "autocollants?", "faire-part", "ardoise", "[ée]cran", "banderole", "etikett(?:en)?", "speisekarte",
    "visitenkarten?", "tasse", "becher", "aufkleber", "einladung(?:en)?", "urkunde", "tafel", "bildschirm",
    "leuchtreklame", "kennzeichen", "placas?", "cartaz(?:es)?", "card[aá]pio", "ementa", "cart[aã]o", "panfleto",
    "caneca", "capa", "adesiv[oi]", "convites?", "faixa", "lousa", "cartell[oi]", "insegn[ae]", "locandin[ae]",
    "etichett[ae]", "bigliett[oi]", "volantin[oi]", "magliett[ae]", "tazza", "copertina", "invit[oi]", "targa",
    "lavagna", "schermo", "striscione", "headline", "slides?", "greeting card", "postcard", "packaging", "ui",
    "dashboard", "landing page", "screenshot", "app screen", "storefront", "t-?shirts?", "mug", "plaque", "neon",
    "tattoo", "letters?", "fonts?", "men[uúù]s?", "néon", "\\w*schild(?:er)?", "\\w*plakate?",
)  # fmt: skip
_NO_TEXT = (
    r"\b(?:no|without|zero|free of|sin|sans|ohne|sem|senza)\s+(?:any\s+|visible\s+)?"
    r"(?:text|words?|letter(?:s|ing)?|logos?|captions?|writing|typography|watermarks?|type|copy|signature|texto|texte|"
    r"palabras|letras|mots|lettres|worte|schrift|beschriftung|buchstaben|palavras|testo|scritte|parole|lettere)\b"
)
_DRAFT = _words(
    "draft(?:s|ed)?", "mock-?ups?", "quick(?:ly)?", "rough(?:ly|s)?", "sketch(?:es|y)?", "thumbnails?", "wireframes?",
    "placeholders?", "concept", "low[- ]?fi", "lo-?fi", "fast", "asap", "scribbles?", "doodles?", "napkin", "preview",
    "proof of concept", "first pass", "blocking", "block-?out", "greybox", "ideation", "explor(?:e|ation|ations)",
    "iteration", "wip", "speedpaint", "unrefined", "nothing fancy", "bocetos?", "bosquejos?", "borrador", "maqueta",
    "esbozo", "garabato", "provisional", "r[aá]pid[oa]s?", "croquis", "brouillon", "esquisses?", "[ée]bauche",
    "maquette", "vite", "rapide(?:ment)?", "provisoire", "gribouill\\w+", "entwurf", "entw[uü]rfe", "\\w*skizzen?",
    "skizzenhaft", "grobe?[rsn]?", "schnelle?[rsn]?", "platzhalter", "rohfassung", "kritzelei", "rascunhos?",
    "esbo[cç]os?", "rabisco", "maquete", "provis[oó]ri[oa]", "bozz[ae]", "bozzetto", "schizz[oi]", "abbozzo",
    "veloce(?:mente)?", "scarabocchio", "segnaposto", "provvisori[oa]", "al volo",
)  # fmt: skip
_COUNT = _words(
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "dozen", "pair",
    "couple", "both", "several", "trio", "twins?", "triplets", "dos", "tres", "cuatro", "cinco", "seis", "siete",
    "ocho", "nueve", "deux", "trois", "quatre", "cinq", "huit", "neuf", "zwei", "drei", "vier", "f[uü]nf", "sechs",
    "sieben", "acht", "neun", "dois", "duas", "tr[eê]s", "quatro", "sete", "oito", "nove", "due(?! to| date| by)",
    "tre", "quattro", "cinque", "sei", "sette",
)  # fmt: skip
_SPATIAL = _words(
    "left", "right", "above", "below", "under(?:neath)?", "beneath", "behind", "in front of", "beside", "next to",
    "between", "on top of", "atop", "inside", "around", "opposite", "facing", "across from", "near", "surrounded by",
    "side by side", "in the middle", "foreground", "against", "over", "upside down", "stacked", "leaning",
    "izquierda", "derecha", "encima", "debajo", "detr[aá]s", "delante", "entre", "junto a", "al lado", "dentro",
    "sobre", "bajo", "alrededor", "frente", "gauche", "droite", "dessus", "dessous", "sous(?!-| chef)", "derri[eè]re",
    "devant", "[aà] c[oô]t[ée]", "autour", "en face", "rechts", "über|ueber", "unter", "hinter", "vor", "zwischen",
    "neben", "gegen[uü]ber", "esquerda", "direita", "acima", "abaixo", "atr[aá]s", "ao lado", "em cima", "embaixo",
    "debaixo", "sinistra", "destra", "sopra", "sotto", "dietro", "davanti", "accanto", "intorno", "di fronte", "tra",
    "fra", "links (?:von|ein\\w*|steht|im|oben|unten|der|die|das)",
)  # fmt: skip
_ACTING = (
    r"\b(?:chas|hold|carr|rid|eat|push|pull|fight|watch|hand|giv|tak|feed|lead|steal|throw|catch|point|reach|drag|"
    r"balanc|wrap|swallow|paint|hunt|follow|bit|kiss|hug|argu|teach|serv|build|cast|turn|grow|melt|pour|walk|sit)"
    r"(?:s|es|ies|ing|ying)\b"
)
_CONTRAST = _words(
    "while", "whereas", "but", "each", "every", "one", "other", "another", "instead", "whose", "first", "second",
    "third", "except", "only", "half", "same", "different", "identical", "who", "which", "as if", "mientras", "pero",
    "cada", "otr[oa]s?", "excepto", "salvo", "en vez de", "pendant que", "tandis", "mais", "chaque", "autres?",
    "sauf", "au lieu", "w[aä]hrend", "aber", "jede[rsnm]?", "andere[rsnm]?", "au[sß]+er", "statt", "enquanto",
    "outr[oa]s?", "exceto", "em vez de", "mentre", "ogni", "altr[oaie]", "tranne", "invece",
)  # fmt: skip
_COMPARE = _words(
    "bigger", "smaller", "taller", "shorter", "larger", "longer", "older", "younger", "more", "less", "fewer", "than",
    "twice", "as (?:big|tall|large|many|small) as", "m[aá]s", "mayor que", "menor que", "moins", "gr[oö](?:ss|ß)er",
    "kleiner", "als", "maior", "do que", "pi[uù]",
)  # fmt: skip
_NEGATION = _words(
    "no", "not", "without", "never", "nobody", "nothing", "none", "empty", "missing", "\\w+n't", "neither", "sin",
    "ning[uú]n[oa]?", "nadie", "sans(?![ -]?serif)", "aucune?", "personne", "ohne", "keine?[rnms]?", "niemand",
    "nicht", "sem", "nenhuma?", "ningu[eé]m", "não", "senza", "nessun[oa]?",
)  # fmt: skip
_STYLE = _words(
    "4k", "8k", "hdr?", "uhd", "octane", "unreal engine", "ray ?trac\\w*", "cinematic", "masterpiece", "best quality",
    "ultra[- ]?\\w*", "hyper-?realis\\w*", "photo-?realis\\w*", "highly detailed", "intricate", "artstation",
    "trending", "bokeh", "volumetric", "depth of field", "sharp focus", "studio light\\w*", "soft light\\w*",
    "golden hour", "rim light", "film grain", "wallpaper", "render", "aesthetic", "lighting", "concept art",
    "by greg",
)  # fmt: skip
_ARTWORK = _words(
    "photo(?:graph)?", "portrait", "painting", "illustration", "close-?up", "macro", "landscape", "still life",
    "watercolou?r", "oil", "drawing", "shot", "product shot", "render", "anime", "vector", "icon", "pattern",
    "texture",
)  # fmt: skip
_IMPOSSIBLE = _words(
    "made of", "made from", "made entirely", "built from", "turns? into", "becom(?:es|ing)", "instead of", "as a",
    "as if", "metaphor", "paradox", "impossible", "infinite", "surreal", "dream", "time", "memory", "loneliness",
    "grief", "concept of", "personified", "escher", "recursive", "reflection", "shadow", "dissolving", "inside out",
    "hech[oa]s? de", "faite?s? de", "feit[oa]s? de", "fatt[oaie] di",
)  # fmt: skip
_DIAGRAM = _words(
    "diagram", "flow-?chart", "timeline", "chart", "graph", "map", "cross[- ]section", "schematic", "cutaway",
    "exploded view", "blueprint", "process", "cycle", "steps?", "stages?", "anatomy", "panels?", "comic",
    "storyboard",
)  # fmt: skip

# Capitals say something only beside small letters: a prompt typed in one case throughout stresses nothing. Anchored, so
# that a prompt is read once.
_AMONG_SMALL = r"^(?=.*?(?:^|\s)[a-z]).*?"

SPECS = (
    FeatureSpec("words", r"\w+", cap=120, log=True),
    FeatureSpec("sentences", r"[.!?](?:\s|$)", cap=12, log=True),
    FeatureSpec("commas", r",", cap=20, log=True),
    FeatureSpec("double_quoted", r'"[^"]{1,200}"', cap=2),
    FeatureSpec("single_quoted", r"(?<!\w)'[^']{1,80}'(?!\w)", cap=2),
    FeatureSpec("quoted_capital", r"[\"'](?=[A-Z0-9])[^\"']{1,80}[\"']", case=True),
    FeatureSpec("capitals_run", _AMONG_SMALL + r"\b[A-Z][A-Z0-9'&]{1,40}\s+[A-Z0-9'&%!]", case=True),
    FeatureSpec("capitals_word", _AMONG_SMALL + r"\b[A-Z]{3,}\b", case=True),
    FeatureSpec("title_run", _AMONG_SMALL + r"[a-z,] [A-Z]\w+\s+(?:(?:of|the|and|&)\s+)?[A-Z]\w", case=True),
    FeatureSpec("colon", r":(?!\d|//)", cap=2),
    FeatureSpec("price_or_date", r"[$£€¥%]\s?\d|\d\s?(?:%|€|£|\$)|\b\d{1,2}(?:am|pm|h)\b|\b\d{1,2}[:.]\d\d\b", cap=3),
    FeatureSpec("digits", r"\b\d+\b", cap=4),
    FeatureSpec("says", _SAYS, cap=2),
    FeatureSpec("deliverable", _DELIVERABLE, cap=2),
    FeatureSpec("logo", _words("logos?", "logotipo", "wordmark", "monogram", "typograph\\w+", "lettering"), cap=1),
    FeatureSpec("no_text", _NO_TEXT, cap=2),
    FeatureSpec("draft", _DRAFT, cap=2),
    FeatureSpec("draft_opening", r"^(?:\W*\w++){0,3}?\W*" + _DRAFT),
    FeatureSpec("counts", _COUNT, cap=3),
    FeatureSpec("spatial", _SPATIAL, cap=4),
    FeatureSpec("acting", _ACTING, cap=4),
    FeatureSpec("contrast", _CONTRAST, cap=4),
    FeatureSpec("compare", _COMPARE, cap=2),
    FeatureSpec("negation", _NEGATION, cap=2),
    FeatureSpec("articles", _words("an?", "the", "his", "her", "its", "their"), cap=8),
    FeatureSpec("indefinite", _words("an?", "una?", "une", "eine?[rnm]?", "uma?"), cap=4),
    FeatureSpec("and", r"\b(?:and|et|und)\b|&|\by (?!axis)", cap=4),
    FeatureSpec("style", _STYLE, cap=5),
    FeatureSpec("artwork", _ARTWORK, cap=3),
    FeatureSpec("impossible", _IMPOSSIBLE, cap=2),
    FeatureSpec("diagram", _DIAGRAM, cap=2),
    FeatureSpec("flags", r"--\w+|\(\(|:\d\.\d|\bBREAK\b|<lora", cap=3),
    FeatureSpec("json", r"[{\[]\s*\""),
    FeatureSpec("wearing", _words("wearing", "dressed", "in an?", "with an?"), cap=3),
)
"""Order matters: it is the order of the head's last columns."""
