"""The words that carry a sentence's frame rather than its content, by language.

There is no part-of-speech tagger here: closed classes (determiners, pronouns, prepositions, conjunctions, auxiliaries,
numerals) are listed, with the few open-class words that image prompts use to relate things. What is not listed is taken
for content. The lists are the writers' own, made to find repeated sentence frames, not to be complete grammars.
"""

from __future__ import annotations

_WORDS = {
    "en": """
        a an the this that these those each every some any no both either neither all another other many few several
        of in on at by with without from to into onto over under above below beside besides between behind before after
        among around across along through against near inside outside beneath within toward towards up down off upon
        for as like than until during and or but nor so while when where whose who which if then not only
        i me my you your we us our he him his she her it its they them their one's there here
        is are was were be been being has have had do does did can could will would should must may
        one two three four five six seven eight nine ten eleven twelve dozen hundred thousand half
        first second third fourth fifth last single pair
        left right top bottom middle center centre front back next side opposite same different together apart
        facing holding wearing carrying looking sitting standing lying leaning hanging made instead
    """,
    "de": """
        ein eine einer einem einen eines der die das den dem des dieser diese dieses kein keine keinen jeder jede
        in im an am auf aus bei mit ohne von vom vor hinter über unter neben zwischen nach zu zum zur durch gegen um für
        und oder aber während als wie wenn nicht nur ist sind war hat haben wird
        er sie es ihr sein seine ihre ich mein wir uns zwei drei vier fünf sechs sieben acht neun zehn
        erste zweite dritte links rechts oben unten mitte
    """,
    "es": """
        un una unos unas el la los las este esta ese esa cada ningún ninguna otro otra
        de del en con sin por para a al sobre bajo entre tras desde hasta hacia contra junto dentro fuera
        y e o u pero mientras que como cuando donde no solo es son está están hay se su sus mi
        uno dos tres cuatro cinco seis siete ocho nueve diez primero segundo tercero
        izquierda derecha arriba abajo centro encima debajo delante detrás
    """,
    "fr": """
        un une des le la les l du de d ce cet cette ces chaque aucun aucune autre
        à au aux en dans sur sous avec sans par pour entre vers contre chez derrière devant près
        et ou mais tandis que qui dont comme quand où ne pas est sont a ont il elle son sa ses mon ma
        deux trois quatre cinq six sept huit neuf dix premier deuxième troisième gauche droite haut bas milieu côté
    """,
    "it": """
        un uno una il lo la i gli le l questo questa quel quella ogni nessun nessuna altro altra
        di del della dei delle a al alla in nel nella su sul sulla con senza per tra fra da dal dalla sotto sopra dietro
        davanti accanto dentro fuori e o ma mentre che come quando dove non è sono ha si suo sua mio
        due tre quattro cinque sei sette otto nove dieci primo secondo terzo sinistra destra alto basso centro
    """,
    "pt": """
        um uma uns umas o a os as este esta esse essa cada nenhum nenhuma outro outra
        de do da dos das em no na nos nas com sem por pelo pela para sobre sob entre até contra ao à atrás frente dentro
        e ou mas enquanto que como quando onde não é são está há se seu sua meu
        dois duas três quatro cinco seis sete oito nove dez primeiro segundo terceiro esquerda direita cima baixo centro
    """,
}

_BY_LANGUAGE = {language: frozenset(words.split()) for language, words in _WORDS.items()}


def function_words(language: str) -> frozenset[str]:
    """The listed words of an ISO 639 code, lower case; empty for a language without a list."""
    return _BY_LANGUAGE.get(language, frozenset())
