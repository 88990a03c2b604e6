"""What stands around verdicts and answers: in a check's panel, in a notebook that was graded, on a page of feedback."""

from __future__ import annotations

from autograder.words.tables import Table, w

LAYOUT = Table("layout", {
    "passed": w("{name}: alt er på plass. {points} av {points} poeng.", "{name}: all is there. {points} of {points} points."),
    "open": w("{name}: det som kan ses her, er på plass.", "{name}: what can be seen here is in place."),
    "failed": w("{name}: {earned} av {points} poeng så langt.", "{name}: {earned} of {points} points so far."),
    "expected": w("Forventet", "Expected"),
    "found": w("Fant", "Found"),
    "next": w("Neste steg", "Next step"),
    "noticed": w("Lagt merke til (koster ingenting)", "Noticed (costs nothing)"),
    "said": w("Dette sa modellen din", "What your model said"),
    "said-more": w("Resten av det modellen sa", "The rest of what the model said"),
    "panel": w("Sjekk av {name}", "Check of {name}"),
    "see-above": w("Ikke helt i mål ennå. Rett over står hva som mangler.", "Not there yet. What is missing is told just above."),
    "review": w("En person ser på denne", "A person will look at this"),
    "override": w("Overstyrt av en person: {reason}", "Overruled by a person: {reason}"),
    "not judged": w("{name}: ikke rettet ennå.", "{name}: not judged yet."),
    "stopped": w(
        "Denne cellen stoppet med en feil: {error}. Det som står under, er Pythons egen melding om hvor.",
        "This cell stopped with an error: {error}. What follows is Python's own message about where.",
    ),
    "output-cut": w(
        "Her er resten av utskriften utelatt: notatboken skrev mer enn {mb:g} MB.",
        "The rest of the output is left out here: the notebook wrote more than {mb:g} MB.",
    ),
    "stopped-time": w(
        "Denne cellen ble stoppet fordi den brukte mer enn tiden den har ({seconds} sekunder).",
        "This cell was stopped because it took more than the time it has ({seconds} seconds).",
    ),
    "unknown-check": w(
        "Det finnes ingen sjekk som heter «{name}». Disse finnes: {valid}.",
        "There is no check called «{name}». There are: {valid}.",
    ),
    "no-profile": w(
        "Fant ikke profile.json i mappa. Den følger med oppgaven: hent oppgaven på nytt, og legg fila ved siden av notebooken.",
        "There is no profile.json in this folder. It comes with the assignment: fetch it again, and put it beside the notebook.",
    ),
    "our-fault": w(
        "Selve sjekken feilet. Det er ikke din feil, og koster ingenting. Si fra til kurset: {error}",
        "The check itself failed. It is not your fault, and costs nothing. Please tell the course: {error}",
    ),
})  # fmt: skip

FEEDBACK = Table("feedback", {
    # The page that a student gets for each notebook
    "title": w("Tilbakemelding: {title}", "Feedback: {title}"),
    "about": w(
        "Tilbakemelding på notebooken {notebook} i {assignment}", "Feedback on the notebook {notebook} of {assignment}"
    ),
    "to-content": w("Hopp til innholdet", "Go to the content"),
    "total": w("{score} av {points} poeng", "{score} of {points} points"),
    "total-so-far": w("{score} av {points} poeng så langt", "{score} of {points} points so far"),
    "waits": w(
        "En person har ikke lest alt du skrev ennå. Poeng som kan komme: inntil {points}.",
        "A person has yet to read some of what you wrote. Points that may come: up to {points}.",
    ),
    "provisional": w(
        "Noen av poengene er foreløpige, til en person har sett på dem.",
        "Some of the points are provisional, until a person has looked at them.",
    ),
    "penalty": w(
        "Levert etter fristen: {points} poeng er trukket fra i summen.",
        "Handed in after the deadline: {points} points have been taken off the sum.",
    ),
    "again": w(
        "Alt ble kjørt på nytt da det ble rettet. En modell kan da ha svart noe annet enn du så. Det koster ingenting.",
        "All was run again when it was graded. A model may then have said something else than you saw. It costs nothing.",
    ),
    "wrong": w(
        "Ser noe feil ut? Si fra til kurset. En person kan endre alle poeng på denne siden.",
        "Does something look wrong? Tell the course. A person can change every point on this page.",
    ),
    "tasks": w("Oppgavene", "The tasks"),
    "task": w("Oppgave", "Task"),
    "points": w("Poeng", "Points"),
    "state": w("Status", "Status"),
    "score": w("{score} av {points}", "{score} of {points}"),
    "no-score": w("– av {points}", "– of {points}"),
    # How a task stands
    "full": w("alle poeng", "all points"),
    "part": w("noen poeng", "some points"),
    "none": w("ingen poeng", "no points"),
    "unanswered": w("ikke besvart", "not answered"),
    "waiting": w("venter på en person", "waiting for a person"),
    "review": w("foreløpig", "provisional"),
    "by-person": w("bestemt av en person", "decided by a person"),
    "has-comment": w("med kommentar", "with a comment"),
    "person-gave": w(
        "En person har sett på denne oppgaven og gitt {earned} av {points} poeng. Det er det som gjelder.",
        "A person has looked at this task and given {earned} of {points} points. That is what holds.",
    ),
    "extra": w("Det er gitt {points} poeng ekstra.", "{points} extra points have been given."),
    "waiting-long": w(
        "En person skal lese svaret ditt, og har ikke gjort det ennå. Poengene kommer når det er gjort.",
        "A person will read your answer, and has not done so yet. The points come when it is done.",
    ),
    "review-long": w(
        "Poengene her er foreløpige. En person ser på oppgaven, og du trenger ikke å gjøre noe.",
        "The points here are provisional. A person will look at the task, and you need not do anything.",
    ),
    "because": w("Grunnen er denne:", "The reason is this:"),
    "unanswered-long": w(
        "Cellen for svaret er slik den ble delt ut, så det var ikke noe å gi poeng for.",
        "The cell for the answer is as it was handed out, so there was nothing to give points for.",
    ),
    # What stands under a task
    "comment": w("Kommentar fra en person", "A person's comment"),
    "check": w("Dette fant sjekken", "What the check found"),
    "yours": w("Det du skrev", "What you wrote"),
    "answer": w("Svaret ditt", "Your answer"),
    "rest": w("Etter den siste oppgaven", "After the last task"),
    "output": w("Da cellen ble kjørt", "When the cell was run"),
    "traceback": w("Vis Pythons egen melding", "Show Python's own message"),
    "image": w("Bilde som koden laget", "An image that the code made"),
    "scrolls": w("{what}, kan rulles", "{what}, scrolls"),
    "cut": w("(Resten er utelatt her.)", "(The rest is left out here.)"),
    "top": w("Til toppen", "To the top"),
})  # fmt: skip

OUTCOMES = Table("outcomes", {
    # What the mark before a criterion says to who does not see it
    "passed": w("på plass", "in place"),
    "failed": w("mangler", "missing"),
    "unknown": w("ikke kjent", "not known"),
    "overruled": w("bestemt av en person", "decided by a person"),
})  # fmt: skip
