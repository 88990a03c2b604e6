"""What is told of grading on hand-in: to students in the receipt, and to the staff on a page."""

from __future__ import annotations

from autograder.words.tables import Table, w

PROMISE = Table("promise", {
    "now": w(
        "Denne leveringen rettes med en gang, som regel innen et minutt.",
        "This hand-in is graded at once, usually within a minute.",
    ),
    "closed": w(
        "Leveringer rettes automatisk kl. {hours}. Denne er tatt imot og teller; den rettes fra {when}.",
        "Hand-ins are graded automatically at {hours}. This one was received and counts; it is graded from {when}.",
    ),
    "used-up": w(
        "Dette er levering nummer {n} i dag, og de {per_day} første hver dag rettes med en gang. Denne er tatt imot og teller; "
        "den rettes fra {when}.",
        "This is hand-in number {n} today, and the first {per_day} of each day are graded at once. This one was received and "
        "counts; it is graded from {when}.",
    ),
    "some": w(
        "Det gjelder {names}. Resten rettes senere.",
        "That is for {names}. The rest is graded later.",
    ),
    "fetch": w(
        "Trykk «Fetch Feedback» i lista over oppgaver for å lese resultatet. Tekstsvar leses av en person, senere.",
        "Press «Fetch Feedback» in the list of assignments to read the result. A person reads text answers, later.",
    ),
    "no-feedback": w(
        "Resultatet får du når kurset gir tilbakemelding.",
        "You get the result when the course gives feedback.",
    ),
})  # fmt: skip

WATCH = Table("watch", {
    "title": w("Retting ved innlevering", "Grading on hand-in"),
    "running": w("I gang.", "Running."),
    "stopped": w(
        "Ikke i gang: ingenting hentes eller rettes av seg selv nå. Start `autograder watch`, eller hubens tjeneste.",
        "Not running: nothing is collected or graded by itself now. Start `autograder watch`, or the hub's service.",
    ),
    "off": w(
        "Slått av: oppgaven er delt ut uten `on = true` under [watch] i course.toml.",
        "Off: the assignment was handed out without `on = true` under [watch] in course.toml.",
    ),
    "on": w(
        "På: {hours}, {per_day} leveringer per student og dag. {feedback}",
        "On: {hours}, {per_day} hand-ins per student and day. {feedback}",
    ),
    "all-day": w("hele døgnet", "all day"),
    "feedback": w("Tilbakemelding gis med en gang.", "Feedback is released at once."),
    "no-feedback": w("Tilbakemelding gis ikke av seg selv.", "Feedback is not released by itself."),
    "trouble": w("Ingenting kan rettes nå: {error}", "Nothing can be graded now: {error}"),
    "usual": w("Rettingen av en levering tar vanligvis {seconds} s.", "Grading a hand-in usually takes {seconds} s."),
    "runs": w("Rettes nå ({n})", "Being graded ({n})"),
    "waits": w("Venter ({n})", "Waiting ({n})"),
    "ended": w("Sist rettet", "Graded last"),
    "none": w("Ingen.", "Nobody."),
    "student": w("Student", "Student"),
    "so-far": w("Så langt", "So far"),
    "note": w("Merknad", "Note"),
    "handed-in": w("Levert", "Handed in"),
    "why": w("På hva", "For what"),
    "finished": w("Ferdig", "Finished"),
    "took": w("Tok", "Took"),
    "since": w("Etter levering", "After handing in"),
    "outcome": w("Resultat", "Outcome"),
    "slow": w("tar lang tid", "takes long"),
    "graded": w("rettet", "graded"),
    "failed": w("mislyktes: {error}", "failed: {error}"),
    "turn": w("sin tur", "its turn"),
    "hours": w("åpningstid, fra {when}", "the hours, from {when}"),
    "number": w("neste dag, fra {when}: dagens er brukt opp", "the next day, from {when}: today's are used up"),
    "marking": w("en person har den åpen i Formgrader", "a person has it open in Formgrader"),
    "busy": w("en annen kjøring har den", "another run has it"),
    "changed": w(
        "(mappa ble endret {when}; en annen tid enn leveringen sier)",
        "(its folder changed {when}; another time than the hand-in says)",
    ),
    "again": w("nytt forsøk {when}; sist: {error}", "another try at {when}; last time: {error}"),
})  # fmt: skip
