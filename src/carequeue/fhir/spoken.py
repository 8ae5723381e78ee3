"""Words in a record that tell a conversation from a message: by text, display and code.

In:  a Communication, an Encounter, a RelatedPerson. Out: a reason in words, or a yes or no.
Why words: FHIR has no code for "left a voicemail", and most systems file one as a completed call;
only the clinician's note, or a local code such as `LEFT_MESSAGE`, shows it. All are compared in one
plain form: lower case, no punctuation, `leftMessage` as two words.
Not here: who took part, and what follows from it (`contacts.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource

_MOST_READ: Final = 4000  # characters of one record: it may be hostile
AUTOMATIC: Final = "a reminder or an automatic message"
LEFT_MESSAGE: Final = "left a message"
NO_ANSWER: Final = "no answer"
ONE_WAY: Final = "a message, no answer on record"
#: Reasons that make even the client's own record no answer.
NOT_ANSWERED: Final = frozenset({AUTOMATIC, LEFT_MESSAGE, NO_ANSWER})

_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NO_WORD: Final = re.compile(r"[^\w]+|_")
_LEFT: Final = re.compile(
    r"\bvoice ?mails?\b|\bvoice message|\bv ?m\b|\blvm\w*|\bl ?m(om|tcb|tc|am)?\b|\bmail ?box\b"
    r"|\b(answering machine|machine (picked up|answered))\b"
    r"|\b(left|leave|leaving) (\w+ )?((a|an|the|him|her|them|my|our|another|brief|detailed|short"
    r"|generic|hipaa|compliant|confidential|voice|phone|call|callback|back) ){0,5}"
    r"(messages?|msg|mssg|mess|word|note|card|number)\b"
    r"|\b(messages?|msg|word) (was |were )?left\b"
)
#: The client called back: the voicemail in the note is the earlier one.
_CALLED_BACK: Final = re.compile(
    r"\breturn(ed|ing|s) (my|our|this writers|staffs) (voice ?mails?|vm|messages?|msg)\b"
)
_SILENT: Final = re.compile(
    r"\bno (answer|pick ?up|response|reply|contact made)\b|\bnot reached\b|\bunreachable\b"
    r"|\b(did not|didnt|does not|doesnt|never|would not|wouldnt) (answer|pick ?up)\b"
    r"|\b(un ?able to|could not|couldnt|cannot|not able to|failed to) (reach|get (a )?hold of)\b"
    r"|\b(un ?able to|could not|couldnt|not able to|failed to) contact (the )?"
    r"(client|patient|pt|member|consumer|him|her|them|person)\b"
    r"|\bunsuccessful (call|contact|attempt|outreach)|\b(call|contact|outreach) (was )?unsuccessful"
    r"|\bwrong number\b|\b(line|phone|number) (is |was )?(busy|disconnected|out of service)\b"
    r"|\bnot in service\b|\bbusy signal\b|\brang out\b|\b(no one|nobody) (answered|home|picked up)"
    r"|\b(client|patient|pt|member|person) (is |was )?(not (home|available|in)|unavailable)\b"
    r"|\b(attempted|tried|trying) (to )?(call|contact|reach|phone)(ing)?\b|\bhung up\b"
    r"|\b(call|contact|outreach) attempt|\bno ans\b|\brecipient unavailable\b"
    r"|\binvalid phone number\b"
)
_REMINDER: Final = re.compile(
    r"\bremind(er|ers|ing)?\b|\bautomat\w*|\bauto ?(call|dial|message|text|generated|reply)\w*"
    r"|\brobo ?(call|text)\w*|\bivr\b|\bbroadcast|\bbulk\b|\bcampaign\b|\bblast\b|\bnewsletter\b"
    r"|\bnotifications?\b|\balerts?\b|\b(group|mass) (message|text|e ?mail|sms|call)"
)
#: In a note a person may well write about a reminder, so only a machine's phrases count.
_MACHINE: Final = re.compile(
    r"\b(automated|automatic) (\w+ )?(message|call|reminder|voice|text|sms|notification|e ?mail)\b"
    r"|\bthis is an? (automated|automatic|courtesy|friendly)? ?(reminder|message|notification)\b"
    r"|\bdo not reply\b|\brobo ?call|\breply (stop|yes|no|y|c|1)\b|\btext stop\b"
)
_WRITTEN: Final = re.compile(
    r"\b(sms|mms)(writ)?\b|\btext(s|ed|ing)?\b|\btext ?messag\w*|\be ?mail(s|ed|ing|writ)?\b"
    r"|\bportal\b|\bmy ?chart\b|\bmessag(e|es|ed|ing)\b|\bletters?\b|\bmail(ed|ing|writ)?\b"
    r"|\bpost(al|card)\b|\bfax(ed|writ)?\b|\bwritten\b|\b(online|hand|type)?writ\b"
    r"|\bdocument(s|ation)?\b|\bscan(s|ned|ning)?\b|\bfiled\b|\bupload(s|ed)?\b"
)
_SPOKEN: Final = re.compile(
    r"\b(tele)?phone\b|\bcall(s|ed)?\b|\btele ?(health|visit|medicine|conference)\b"
    r"|\bvideo ?(conf|conference|call|visit)?\b|\bface\b|\bin person\b|\bverbal\b|\bphysical\b"
    r"|\bhome visit\b"
)
_MISSED: Final = re.compile(
    r"\bno ?show(s|ed)?\b(?! (follow|call|outreach|visit follow))|\bdid not attend\b|\bdna\b"
    r"|\b(missed|cancell?ed) (visit|appointment|session)\b(?! (follow|call|outreach))"
)
_OTHER_SERVICE: Final = re.compile(
    r"\bdent(al|ist|istry|ure|ures)\b|\borthodon\w*|\bendodon\w*|\boral (health|surgery|hygiene)\b"
    r"|\blab(s|oratory|oratories)?\b|\b(blood|lab) draw\b|\bphlebotomy\b|\bvenipuncture\b"
    r"|\bspecimen\b|\burine drug screen\b|\bradiology\b|\bimaging\b|\bx ?ray\b|\b108252007\b"
    r"|\b363679005\b"
)
_WITHOUT_CLIENT: Final = re.compile(
    r"\b(chart|records?|case) (review|update|prep\w*|conference|consult\w*|staffing)\b"
    r"|\bdocumentation( only)?$|\bdocuments? (filed|scan\w*|only|received)\b|\bcollateral\b"
    r"|\b(client|patient) not present\b|\bwithout (the )?(client|patient)\b|\badministrative\b"
)
_DOCUMENT: Final = "a document, no answer on record"

#: RelatedPerson.relationship of who cares for a minor: HL7 v3 RoleCode, HL7 v2 table 0063.
_CARERS: Final = frozenset(
    {
        "PRN", "MTH", "FTH", "NPRN", "NMTH", "NFTH", "GESTM", "STPPRN", "STPMTH", "STPFTH",
        "ADOPTP", "ADOPTM", "ADOPTF", "PRNFOST", "MTHFOST", "FTHFOST", "GUARD", "PAR", "GRD",
    }
)  # fmt: skip
_CARER_WORDS: Final = re.compile(
    r"((the|biological|birth|natural|adoptive|foster|step|legal|custodial|noncustodial|primary) )*"
    r"(step ?)?(mother|father|mom|mum|dad|parent|guardian|mother father|parent guardian"
    r"|parent or guardian)( of (the )?(client|patient|child|minor))?"
)


def one_way(record: Resource) -> str:
    """Return why a record shows one side only, in words; "" if it shows none of the signs.

    For an Encounter its type and reason are read, for a Communication everything that says how it
    went.
    """
    visit = record.get("resourceType") == "Encounter"
    signs = ("type", "serviceType") if visit else ("medium", "category", "topic")
    coded = _plain(*(text for name in signs for text in _words(record.get(name))))
    note_text = _plain(*_notes(record))
    both = _CALLED_BACK.sub(" ", f"{coded} {note_text}")
    if _LEFT.search(both):
        return LEFT_MESSAGE
    if _SILENT.search(both):
        return NO_ANSWER
    if _REMINDER.search(coded) or _MACHINE.search(note_text):
        return AUTOMATIC
    how = coded if visit else _plain(*_words(record.get("medium")), *_words(record.get("category")))
    return ONE_WAY if _WRITTEN.search(how) else _attached(record)


def two_way(communication: Resource) -> bool:
    """True if the record says that the two spoke: by phone, by video, or face to face."""
    medium = _plain(*_words(communication.get("medium")))
    how = medium or _plain(*_words(communication.get("category")))
    return bool(_SPOKEN.search(how))


def not_done(communication: Resource) -> str:
    """The outcome of a contact that did not take place."""
    reason = communication.get("statusReason")
    if values.has_code(reason, codes.LEFT_MESSAGE, codes.CONTACT_OUTCOME):
        return LEFT_MESSAGE
    return values.squeeze(values.concept_text(reason), 80) or NO_ANSWER


def no_visit(encounter: Resource) -> str:
    """Return why an Encounter is no visit that could be a contact, "" if it may be."""
    kinds = _plain(*_words(encounter.get("type")), *_words(encounter.get("serviceType")))
    if _MISSED.search(kinds):
        return "the client did not come"
    if _OTHER_SERVICE.search(kinds):
        return "a dental, laboratory, or imaging visit"
    return "the client did not take part" if _WITHOUT_CLIENT.search(kinds) else ""


def by_device(sender: Any) -> bool:
    """True if a machine sent it."""
    reference = values.text(sender, "reference")
    return "Device/" in reference or values.text(sender, "type") == "Device"


def by_person(sender: Any) -> bool:
    """True if the record names a person as its sender, not an organization or nobody."""
    return "Practitioner" in values.text(sender, "reference")


def is_carer(person: Resource) -> bool:
    """True if a RelatedPerson is a parent or a guardian; not a grandparent, not one in law."""
    kinds = person.get("relationship")
    if any(coding.code in _CARERS for coding in values.codings(kinds)):
        return True
    return any(_CARER_WORDS.fullmatch(_plain(text)) for text in _words(kinds))


def _attached(record: Resource) -> str:
    payload = values.objects(record, "payload")
    text = any(values.text(part, "contentString").strip() for part in payload)
    return _DOCUMENT if payload and not text else ""


def _notes(record: Resource) -> Iterator[str]:
    """Free text about how it went."""
    yield from _words(record.get("statusReason"))
    yield from _words(record.get("reasonCode"))
    for part in values.objects(record, "payload"):
        yield values.text(part, "contentString")
    for part in values.objects(record, "note"):
        yield values.text(part, "text")


def _words(concept: Any) -> Iterator[str]:
    for element in values.objects({"concept": concept}, "concept"):
        yield values.text(element, "text")
        for coding in values.codings(element):
            yield coding.display
            yield coding.code


def _plain(*words: str) -> str:
    """Words in the normalized form in which they are compared."""
    joined = " ".join(text[:_MOST_READ] for text in words)[:_MOST_READ]
    joined = _HUMP.sub(" ", joined).replace("'", "").replace("’", "")
    return _NO_WORD.sub(" ", joined).lower().strip()
