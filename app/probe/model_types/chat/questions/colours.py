"""The colours that an answer names for the halves of a picture, in the languages that models answer in."""

from __future__ import annotations

import re
from collections.abc import Mapping

# fmt: off
# English, Chinese and Japanese, Korean, German, French, Spanish, Portuguese, Russian, Arabic; then Italian,
# Dutch, Polish, Turkish, Vietnamese, Indonesian, Ukrainian, Hindi, Thai.
_COLOURS: Mapping[str, tuple[str, ...]] = {
    "red": (r"\bred\b", r"[红紅赤]", r"빨간|빨강|적색", r"\brot(?:e[rsnm]?)?\b", r"\brouges?\b",
            r"\broj[oa]s?\b", r"\bvermelh[oa]s?\b", r"красн", r"أحمر|حمراء",
            r"\bross[oaie]\b", r"\brood\b|\brode\b", r"czerwon", r"kırmızı", r"đỏ", r"\bmerah\b", r"червон",
            r"लाल", r"สีแดง|แดง"),
    "green": (r"\bgreen\b", r"[绿綠緑]", r"초록|녹색", r"\b(?:grün|gruen)(?:e[rsnm]?)?\b", r"\bverte?s?\b",
              r"\bverdes?\b", r"зел[её]н", r"أخضر|خضراء",
            r"\bverdi\b", r"\bgroene?\b", r"zielon", r"yeşil", r"xanh lá|xanh lục", r"\bhijau\b", r"зелен",
            r"हरा|हरे|हरी", r"เขียว"),
    "blue": (r"\bblue\b", r"[蓝藍青]", r"파란|파랑|청색", r"\bblau(?:e[rsnm]?)?\b", r"\bbleue?s?\b",
             r"\bazul(?:es)?\b", r"\bсин(?:и|я|е|ю)|голуб", r"أزرق|زرقاء",
            r"\bblu\b|\bazzurr[oaie]\b", r"\bblauwe?\b", r"niebiesk", r"\bmavi\b",
            r"xanh (?:dương|lam|nước biển|da trời)", r"\bbiru\b", r"\bсині|блакитн",
            r"नीला|नीले|नीली", r"น้ำเงิน|สีฟ้า"),
    "yellow": (r"\byellow\b", r"[黄黃]", r"노란|노랑|황색", r"\bgelb(?:e[rsnm]?)?\b", r"\bjaunes?\b",
               r"\bamarill[oa]s?\b", r"\bamarel[oa]s?\b", r"ж[её]лт", r"أصفر|صفراء",
            r"\bgiall[oaie]\b", r"\bge(?:el|le)\b", r"żółt", r"\bsarı\b", r"\bvàng\b", r"\bkuning\b", r"жовт",
            r"पीला|पीले|पीली", r"เหลือง"),
    "black": (r"\bblack\b", r"[黑黒]", r"검은|검정|흑색", r"\bschwarz(?:e[rsnm]?)?\b", r"\bnoire?s?\b",
              r"\bnegr[oa]s?\b", r"\bpret[oa]s?\b", r"ч[её]рн", r"أسود|سوداء",
            r"\bner[oaie]\b", r"\bzwarte?\b", r"czarn", r"\bsiyah\b", r"\bđen\b", r"\bhitam\b", r"чорн",
            r"काला|काले|काली", r"สีดำ"),
    "white": (r"\bwhite\b", r"白", r"흰|하얀|하양|백색", r"\bwei(?:ß|ss)(?:e[rsnm]?)?\b",
              r"\bblanc(?:he)?s?\b", r"\bblanc[oa]s?\b", r"\bbranc[oa]s?\b",
              r"\bбел(?:ы|а|о)", r"أبيض|بيضاء",
            r"\bbianc[oa]\b|\bbianchi\b|\bbianche\b", r"\bwit(?:te)?\b", r"biał", r"\bbeyaz\b",
            r"\btrắng\b", r"\bputih\b", r"\bбіл", r"सफ़ेद|सफेद", r"ขาว"),
}
_SIDES: Mapping[str, tuple[str, ...]] = {
    "left": (r"\bleft\b", r"左", r"왼쪽|좌측", r"\blinke?[rnsm]?\b", r"\bgauche\b", r"\bizquierd[oa]\b",
             r"\besquerd[oa]\b", r"\bлев|слева", r"أيسر|اليسرى|يسار",
            r"\bsinistra\b", r"\blinks\b|\blinker", r"\blew[aey]\b|lewej", r"\btrái\b", r"\bkiri\b",
            r"\bлів|ліворуч", r"बाएँ|बाएं|बायाँ|बायां", r"ซ้าย"),
    "right": (r"\bright\b", r"右", r"오른쪽|우측", r"\brechte?[rnsm]?\b", r"\bdroite?\b", r"\bderech[oa]\b",
              r"\bdireit[oa]\b", r"\bправ|справа", r"أيمن|اليمنى|يمين",
            r"\bdestra\b", r"\brechter", r"\bpraw[aey]\b",
            r"\bsağ(?:da|daki)?\b", r"\bphải\b", r"\bkanan\b",
            r"праворуч", r"दाएँ|दाएं|दायाँ|दायां", r"ขวา"),
}
_BLIND = re.compile("|".join((
    r"\b(?:can ?not|can't|unable to) (?:see|view|tell|determine)", r"[看見见]不到|无法|無法",
    r"見え(?:ない|ません)", r"볼 수 없", r"\bnicht (?:sehen|erkennen)", r"\bne (?:peux|vois|puis) pas",
    r"\bno puedo", r"\bnon (?:posso|riesco|vedo)", r"\bkan (?:de afbeelding )?niet", r"\bnie (?:widzę|mogę)",
    r"göremiyorum", r"không (?:thể|nhìn)", r"\btidak (?:dapat|bisa)", r"\bне (?:бачу|можу)",
    r"नहीं देख", r"ไม่สามารถ|มองไม่เห็น",
    r"\bnão (?:consigo|posso|vejo)", r"\bне (?:вижу|могу)", r"لا (?:أستطيع|يمكنني|أرى)",
)), re.I)
"""The model says that it does not see."""
# fmt: on
_WORD = re.compile(
    "|".join(f"(?P<{name}>{'|'.join(words)})" for name, words in (*_SIDES.items(), *_COLOURS.items())), re.I
)


def colours_named(text: str) -> list[str]:
    """The colours that an answer names, that of the left half first; none where it says that it can't see."""
    if _BLIND.search(text):
        return []
    words = [str(found.lastgroup) for found in _WORD.finditer(text)]
    sides = [word for word in words if word in _SIDES]
    colours = [word for word in words if word in _COLOURS]
    colours = [one for place, one in enumerate(colours) if place == 0 or colours[place - 1] != one]
    if len(colours) == 2 and sides == ["right", "left"]:
        colours.reverse()
    return colours
