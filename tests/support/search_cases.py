"""Letters to search in, and what a search must find in them.

A string matches if it is a substring of the text, in upper or lower case; encodings of the body (RFC 2045) and of
headers (RFC 2047) are decoded before (RFC 9051, 6.4.4). What else Dovecot finds or does not is a case, too, because
README.Debian tells it. Many of these were public reports about full-text indexes, of Dovecot and of others.
"""
# ruff: noqa: RUF001 (letters that look like others are what some cases are about)

from __future__ import annotations

import base64
import quopri
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

Criterion = tuple[str, str]  # a search key of RFC 9051, and its string


class Case(NamedTuple):
    """A letter, the searches that find it, and those that do not: the RFC does not ask for it."""

    name: str
    letter: bytes
    found: Sequence[Criterion]
    missed: Sequence[Criterion] = ()


HEAD = "From: A <writer@peer.test>\nTo: anna@example.test\nMIME-Version: 1.0\n"


def body(*strings: str) -> list[Criterion]:
    return [("BODY", string) for string in strings]


def text(*strings: str) -> list[Criterion]:
    return [("TEXT", string) for string in strings]


def subject(*strings: str) -> list[Criterion]:
    return [("SUBJECT", string) for string in strings]


def crlf(letter: str | bytes) -> bytes:
    raw = letter.encode() if isinstance(letter, str) else letter
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def plain(content: str, charset: str = "utf-8", encoding: str = "8bit", kind: str = "plain") -> bytes:
    """A letter of one part."""
    raw = content.encode(charset)
    raw = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(raw)
    return crlf(f"{HEAD}Subject: x\nContent-Type: text/{kind}; charset={charset}\n"
                f"Content-Transfer-Encoding: {encoding}\n\n".encode() + raw + b"\n")


def parts(*kinds: str, kind: str = "mixed") -> bytes:
    """A letter of several parts; each is its headers, an empty line and its content."""
    return crlf(f"{HEAD}Subject: x\nContent-Type: multipart/{kind}; boundary=b\n\n"
                + "".join(f"--b\n{part}\n" for part in kinds) + "--b--\n")


def encoded(content: str) -> str:
    return base64.encodebytes(content.encode()).decode()


def pdf(headers: str) -> bytes:
    return parts("\nsee the file", f"{headers}\nContent-Transfer-Encoding: base64\n\nJVBERi0=")


LANGUAGES = [
    Case("Japanese in a sentence", plain("明日の会議は東京駅で行います。 Rechnungsnummer 2024-00123"),
         body("東京駅", "会議", "駅", "行い", "2024-00123", "00123", "nummer 2024")),
    Case("a long Chinese sentence", plain(
        "请查收附件中的增值税专用发票并在收到后尽快与我们的财务部门联系确认开票信息无误后再安排"
        "付款事宜谢谢您的配合与支持我们期待与贵公司继续保持长期稳定的良好合作关系并祝您工作顺利"),
         body("增值税", "合作关系", "工作顺利", "您工")),
    Case("Thai, without blanks", plain("ขอเชิญเข้าร่วมการประชุมใหญ่ประจำปีที่กรุงเทพมหานครวันจันทร์"),
         body("ประชุม", "มหานคร", "จันทร์")),
    Case("Korean with a particle", plain("내일 회의실에서 발표가 있습니다"), body("회의실", "의실에", "표가")),
    Case("Korean, decomposed", plain(unicodedata.normalize("NFD", "분해형글자")), body("분해형")),
    Case("a compound word", plain("Die Donaudampfschifffahrtsgesellschaftskapitaensmuetze liegt bereit"),
         body("schifffahrt", "kapitaen", "muetze", "muetze liegt")),
    Case("an umlaut", plain("Sehr geehrter Herr Jürgenmöller"),
         body("jürgenmöller", "JÜRGENMÖLLER", "möller", unicodedata.normalize("NFD", "Jürgen")), body("jurgenmoller")),
    Case("an umlaut, decomposed", plain(unicodedata.normalize("NFD", "Blümchenkärtchen")), body("blümchen", "KÄRT")),
    Case("sharp s", plain("Wohnhaft Lindenstraße 5"), body("Lindenstraße", "STRAßE 5", "traße"), body("lindenstrasse")),
    Case("Turkish i", plain("İZMİRLİ ısırgan"), body("İZMİRLİ", "ısırgan"), body("izmirli")),
    Case("Greek and Cyrillic", plain("ΟΔΟΣΠΟΡΟΣ Приветствие"), body("οδοσπορος", "ПРИВЕТСТВИЕ", "ветств")),
    Case("Arabic", plain("مرحبا بكم في الاجتماع السنوي"), body("جتماع", "السنوي")),
    Case("Hebrew", plain("פגישה שבועית", encoding="quoted-printable"), body("גישה", "שבועית")),
    Case("Vietnamese", plain("Cuộc họp thường niên Đặng"), body("CUỘC", "thường", "đặng")),
    Case("an emoji", plain("Gut gemacht🎉party"), body("🎉", "macht🎉par")),
    Case("full-width digits", plain("電話９８７６５４"), body("９８７６", "98765")),
]

WORDS = [
    Case("punctuation", plain('pi is 3.14159 in C++, snake_case_name, AB-12345/7, 100%, #42, (xyzzy), "zitat", a&b;c'),
         body("3.14", "C++", "case_name", "AB-12345", "B-1234", "12345/7", "100%", "#42", "(xyzzy)", '"zitat"',
              "a&b;c")),
    Case("numbers", plain("IBAN DE89370400440532013000 Betrag 1.234,56 EUR"),
         body("3704004405", "DE8937", "1.234,56", "234,5")),
    Case("one and two characters", plain("ж §§ qj"), body("ж", "§", "qj")),
    Case("a very long word", plain("z" * 300 + "needleend" + "w" * 300), body("needleend", "zzneedle", "z" * 290)),
    Case("a very long line", plain("a" * 5000 + " Zeilenschluss"), body("zeilenschluss", "nschlu")),
    Case("an address", plain("ask kundendienst.nord@filiale.example.org today"),
         body("kundendienst.nord@filiale.example.org", "dienst.nord@fil", "@filiale", "filiale.ex")),
    Case("a link", plain("https://shop.example.com/orders/view?id=998877&lang=de#top"),
         body("view?id=9988", "shop.exam", "/orders/", "lang=de")),
    Case("a phrase", plain("the quick brown lemur jumps"), body("quick brown lemur", "ick brown lem"),
         body("lemur brown")),
    Case("a phrase across lines", plain("zusammen\nhang bricht\num"), body("hang bricht"), body("bricht um")),
    Case("a soft hyphen", plain("Silben\u00adtrennungen"), body("Silben", "trennungen"), body("silbentrenn")),
    Case("a word that a tag splits", plain(
        '<p>Ihre Bestell<b>kennung</b> lautet <a href="https://tracker.example/quelle77">so</a></p>', kind="html"),
         body("kennung", "estell", "quelle77"), body("Bestellkennung")),
    Case("an HTML entity", plain("<p>Aus Bad T&ouml;lz am Berg</p>", kind="html"), body("am Berg"), body("tölz")),
]

ENCODINGS = [
    Case("quoted-printable breaks the word", crlf(
        HEAD + "Subject: x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        "Die Versicherungs=\nbest=C3=A4tig=\nung anbei\n"), body("Versicherungsbestätigung", "rungsbest")),
    Case("base64 breaks the word", plain("x" * 50 + " Zahnarzttermin um zehn " + "y" * 40, encoding="base64"),
         body("Zahnarzttermin", "arzttermin um z")),
    Case("ISO-8859-1", plain("Frühstücksbüfett", "iso-8859-1"), body("frühstück", "BÜFETT")),
    Case("windows-1252", plain("Preis 99 € „netto“", "windows-1252"), body("99 €", "„netto“")),
    Case("ISO-2022-JP", plain("見積書をお送りします", "iso-2022-jp", "7bit"), body("見積書", "送りし")),
    Case("GB18030", plain("合同附件已发送", "gb18030"), body("附件已", "合同")),
    Case("KOI8-R", plain("Счёт-фактура", "koi8-r", "quoted-printable"), body("фактура", "СЧЁТ")),
    Case("UTF-16", plain("Breitzeichen Übung", "utf-16le", "base64"), body("breitzeichen", "übung")),
    Case("an unknown charset", crlf(HEAD + "Content-Type: text/plain; charset=x-nowhere\n\nUnbekanntzeichen\n"),
         body("unbekanntz")),
    Case("8 bits without MIME", crlf("From: a@peer.test\n\nGrüßewort ohne Mime\n"), body("ohne mime", "grüßewort")),
]

PARTS = [
    Case("a file's name", pdf('Content-Type: application/pdf; name="Kostenvoranschlag-Juli.pdf"\n'
                              'Content-Disposition: attachment; filename="Kostenvoranschlag-Juli.pdf"'),
         text("Kostenvoranschlag-Juli.pdf", "anschlag-juli", "Juli.pdf")),
    Case("a file's name as RFC 2231 writes it", pdf(
        "Content-Type: application/pdf\n"
        "Content-Disposition: attachment; filename*=utf-8''%C3%9Cbergabeprotokoll.pdf"),
         text("bergabeprotokoll.pdf"), text("Übergabeprotokoll")),
    Case("a file's name as an encoded word", pdf('Content-Type: application/pdf; name="=?utf-8?Q?M=C3=A4ngel.pdf?="\n'
                                                 "Content-Disposition: attachment"), text("Mängel.pdf")),
    Case("an attached message", parts("\nsee", "Content-Type: message/rfc822\n\nSubject: Innerbetreff\n"
                                      "Content-Transfer-Encoding: base64\n\n" + encoded("Weitergeleitetes Schreiben")),
         [*body("geleitetes Schr"), *text("innerbetreff")], body("innerbetreff")),
    Case("attached text", parts("\nsee", "Content-Type: text/csv; name=t.csv\nContent-Transfer-Encoding: base64\n\n"
                                + encoded("name;Spaltenwert"),
                                "Content-Type: text/calendar\n\nSUMMARY:Kalendereintrag"),
         body("spaltenw", "kalendere")),
    Case("attached data", parts("\nAnliegend", "Content-Type: application/octet-stream\n"
                                "Content-Transfer-Encoding: base64\n\n" + encoded("Binaertext hier")),
         body("nliegen"), body("binaertext")),
    Case("two ways to say it", parts("Content-Type: text/plain\n\nnurplaintext",
                                     "Content-Type: text/html\n\n<p>nurhtml", kind="alternative"),
         body("nurplain", "nurhtml")),
]

HEADERS = [
    Case("any header", crlf(
        'X-Foo: blubberbar baz\nCc: "Dr. Eva Kleinschmidt" <eva@klein.example>\nList-Id: <news.verein.example>\n'
        "Message-ID: <abc.123@mid.example>\nReferences: <r1@mid2.example>\n <r2@mid3.example>\nX-Empty:\n\nx\n"),
         [("HEADER X-Foo", "blubberbar"), ("HEADER X-FOO", "BERBAR B"), ("HEADER X-Foo", ""), ("HEADER X-Empty", ""),
          ("HEADER Message-ID", "<abc.123@mid.example>"), ("HEADER Message-ID", "bc.12"),
          ("HEADER References", "r2@mid3"), ("HEADER List-Id", "verein"), ("CC", "schmidt"), ("CC", "dr. eva"),
          ("CC", "eva@kl"), *text("blubberbar")], [("HEADER X-Foo", "verein"), *body("blubberbar")]),
    Case("addresses", crlf(
        "From: =?utf-8?Q?J=C3=B6rg?= Zimmerling <joerg.z@zimmer.example>\n"
        f"To: =?utf-8?B?{encoded('Renée Dupontel')[:-1]}?= <renee@dupont.example>\n"
        "Bcc: hidden.one@bcc.example\nReply-To: antwort@reply.example\n\nx\n"),
         [("FROM", "immerl"), ("FROM", "jörg"), ("FROM", "joerg.z@zim"), ("FROM", "z@zimmer"), ("TO", "renée"),
          ("TO", "ee@dup"), ("BCC", "hidden.one"), ("HEADER Reply-To", "antw"), *text("jörg zimm")]),
    Case("a subject in two encoded words", crlf(
        f"{HEAD}Subject: =?utf-8?B?{encoded('Terminverschie')[:-1]}?=\n =?utf-8?Q?bung_f=C3=BCr_M=C3=A4rz?=\n\nx\n"),
         subject("Terminverschiebung", "verschieb", "bung für m", "MÄRZ")),
    Case("a folded subject", crlf(HEAD + "Subject: ein langer Betreff der gefaltet\n wurde hierzeile\n\nx\n"),
         subject("gefaltet wurde", "altet wurde hier")),
    Case("a subject of 8 bits", crlf(HEAD + "Subject: Rohübertragung\n\nx\n"), subject("rohüber", "übertrag")),
]

CASES = [*LANGUAGES, *WORDS, *ENCODINGS, *PARTS, *HEADERS]

LARGE = [
    Case("after 1 MB of text", plain("lorem ipsum dolor sit amet\n" * 40000 + "Spaetfund"), body("spaetfund", "tfund")),
    Case("after a file of 1 MB", parts(
        "\nsee", "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + encoded("x" * 1000000),
        "Content-Type: text/plain\n\nHinteranhang"), body("hinteranhang", "anhang")),
]
