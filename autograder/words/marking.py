"""Every sentence beside what a person marks, in Norwegian (bokmål) and English."""

from __future__ import annotations

from autograder.words.tables import Table, w

MARKING = Table("marking", {
    "about": w("Det svaret handler om", "What this answer is about"),
    "handed-in": w("Levert", "Handed in"),
    "regrade": w("Kjørt på nytt ved retting", "Run again while grading"),
    "same": w("Levert, og likt da det ble kjørt på nytt", "Handed in, and the same when it was run again"),
    "cell": w("celle {number}", "cell {number}"),
    "no-output": w("Ingen utskrift.", "No output."),
    "no-cell": w("Denne cellen er ikke i det som ble levert.", "This cell is not in what was handed in."),
    "no-cells": w("Ingen av cellene har skrevet ut noe.", "None of the cells has put out anything."),
    "more-cells": w("Delen har flere celler; se dem i notebooken.", "The part has more cells; see them in the notebook."),
    "cut": w("\n… resten er utelatt her.", "\n… the rest is left out here."),
    "unreadable": w(
        "Det som ble levert, kan ikke leses (se `submitted/`). Her er bare det som ble kjørt på nytt.",
        "What was handed in cannot be read (see `submitted/`). Here is only what was run again.",
    ),
    "judged": w("Rettet automatisk i denne delen", "Judged automatically in this part"),
    "mark-scheme": w("Sensorveiledning", "Mark scheme"),
    "model-answer": w("Løsningsforslag", "Model answer"),
    "look": w("Se på dette", "Look at this"),
    "review": w("Poengene er et forslag, til noen har sett på dem.", "The points are proposed until somebody has looked."),
    "not judged": w(
        "Ikke rettet: det var vår side som sviktet. Kjør `nbgrader autograde` igjen.",
        "Not judged: our own side failed. Run `nbgrader autograde` again.",
    ),
    "not-judged": w(" (ikke rettet)", " (not judged)"),
    "no-record": w(
        "Vurderingene kan ikke leses ({problem}). Rett denne innleveringen på nytt.",
        "The verdicts cannot be read ({problem}). Grade this submission again.",
    ),
    "decide": w("Bestem selv", "Decide yourself"),
    "points": w("poeng, av {points}", "points, of {points}"),
    "reason": w("Begrunnelse (studenten ser den)", "Reason (the student sees it)"),
    "save": w("Lagre", "Save"),
    "saved": w("Lagret: {earned} av {points} poeng.", "Saved: {earned} of {points} points."),
    "saved-under-manual": w(
        "Lagret, men det er poengene i feltet over ({manual}) som teller. Tøm det for å bruke disse.",
        "Saved, but the points in the box above ({manual}) are what counts. Clear it to use these.",
    ),
    "bad-points": w("Skriv et tall fra 0 til {points}.", "Write a number from 0 to {points}."),
    "bad-reason": w("Skriv en begrunnelse. Studenten ser den.", "Write a reason. The student sees it."),
    "no-verdict": w(
        "Her er det ingenting å overstyre. Rett innleveringen først.",
        "There is nothing to overrule here. Grade the submission first.",
    ),
    "no-criterion": w("Det finnes ikke noe slikt krav her. Last siden på nytt.", "No such criterion here. Load the page again."),
    "busy": w("Karakterboka kan ikke skrives nå. Prøv igjen.", "The gradebook cannot be written now. Try again."),
    "failed": w("Ikke lagret. Last siden på nytt, og prøv igjen.", "Not saved. Load the page again, and try again."),
})  # fmt: skip
