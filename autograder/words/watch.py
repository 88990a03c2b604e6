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
