"""What is told of a submission while it is graded: what was mended, what could not be read, what happened."""

from __future__ import annotations

from autograder.words.tables import Table, w

REPAIRS = Table("repairs", {
    # How the file was written
    "encoding": w(
        "Fila var ikke lagret som UTF-8. Den er lest likevel; noen tegn kan være feil.",
        "The file was not saved as UTF-8. It has been read all the same; some characters may be wrong.",
    ),
    "garbage": w(
        "Etter slutten av notebooken sto det noe mer i fila. Det er utelatt.",
        "Something more stood in the file after the end of the notebook. It has been left out.",
    ),
    "commas": w(
        "Fila hadde et komma for mye, så den ikke kunne åpnes. Kommaet er tatt bort.",
        "The file had a comma too many, so that it could not be opened. The comma has been removed.",
    ),
    "conflict": w(
        "Fila hadde merker etter en fletting i git som ikke var ferdig. De er tatt bort; koden er den samme.",
        "The file had the markers of an unfinished merge in git. They have been removed; the code is the same.",
    ),
    "old-format": w(
        "Notebooken var lagret i et gammelt filformat. Den er gjort om til dagens.",
        "The notebook was saved in an old file format. It has been converted to today's.",
    ),
    "not-cells": w(
        "Noe i notebooken var ikke celler. Det er utelatt.",
        "Something in the notebook was not a cell. It has been left out.",
    ),
    "outputs": w(
        "Noe lagret utskrift kunne ikke leses, og er utelatt.",
        "Some saved output could not be read, and has been left out.",
    ),
    # Cells
    "marks": w(
        "Merkingen av cellen `{cell}` manglet eller var endret. Den er satt tilbake slik den ble delt ut.",
        "The marks of the cell `{cell}` were missing or changed. They are back as they were handed out.",
    ),
    "foreign-marks": w(
        "Noen celler var merket for retting, men hører ikke til her ({detail}). De regnes som dine egne.",
        "Some cells were marked for grading but do not belong here ({detail}). They count as your own.",
    ),
    "duplicate": w(
        "Cellen `{cell}` fantes flere ganger. Én av dem rettes; de andre regnes som dine egne.",
        "The cell `{cell}` was there several times. One of them is graded; the others count as your own.",
    ),
    "put-back": w(
        "Cellen `{cell}` manglet. Den er satt inn igjen slik den ble delt ut.",
        "The cell `{cell}` was missing. It has been put back as it was handed out.",
    ),
    "moved": w(
        "Sjekken `{cell}` sto ikke etter cellen den sjekker. Den er flyttet tilbake.",
        "The check `{cell}` did not stand after the cell that it checks. It has been moved back.",
    ),
    "retyped": w(
        "Cellen `{cell}` hadde fått en annen type (kode eller tekst). Typen er satt tilbake.",
        "The cell `{cell}` had been given another type (code or text). The type has been set back.",
    ),
    "locked": w(
        "Teksten i den låste cellen `{cell}` var endret. Den er satt tilbake slik den ble delt ut.",
        "The text of the locked cell `{cell}` had been changed. It is back as it was handed out.",
    ),
    "skipped": w(
        "Cellen `{cell}` var merket slik at den ikke skulle kjøres. Den kjøres likevel.",
        "The cell `{cell}` was tagged so that it should not be run. It is run all the same.",
    ),
    "skipped-own": w(
        "En av dine egne celler var merket slik at den ikke skulle kjøres. Den kjøres likevel.",
        "One of your own cells was tagged so that it should not be run. It is run all the same.",
    ),
    "kernel": w(
        "Notebooken var satt til en annen kjerne ({detail}). Den er kjørt med kursets.",
        "The notebook was set to another kernel ({detail}). It has been run with the course's.",
    ),
    # Files
    "missing": w(
        "Notebooken ble ikke levert. Den gir ingen poeng.",
        "The notebook was not handed in. It gives no points.",
    ),
    "renamed": w(
        "Notebooken hadde et annet navn («{detail}»). Den er rettet som den den er.",
        "The notebook had another name («{detail}»). It has been graded as the one that it is.",
    ),
    "symlink": w(
        "«{detail}» er en lenke til noe annet, ikke en fil. Den er ikke tatt med.",
        "«{detail}» is a link to something else, not a file. It has not been taken along.",
    ),
    "special": w(
        "«{detail}» er ikke en vanlig fil som kan leses. Den er ikke tatt med.",
        "«{detail}» is not an ordinary file that can be read. It has not been taken along.",
    ),
    "shadows": w(
        "«{detail}» har navn etter noe Python selv bruker, og ville stått i veien for det. Det er ikke tatt med.",
        "«{detail}» is named after something that Python itself uses, and would be in its way. It was not taken along.",
    ),
    "oversized": w(
        "«{detail}» er ikke tatt med: filene er for store eller for mange til sammen.",
        "«{detail}» has not been taken along: the files are too large or too many together.",
    ),
    "name": w(
        "«{detail}» har et navn som ikke kan brukes. Fila er ikke tatt med.",
        "«{detail}» has a name that cannot be used. The file has not been taken along.",
    ),
    "deep": w(
        "«{detail}» ligger i for mange mapper inni hverandre. Den er ikke tatt med.",
        "«{detail}» lies in too many folders inside each other. It has not been taken along.",
    ),
})  # fmt: skip

UNREADABLE = Table("unreadable", {
    "missing": w(
        "Notebooken ble ikke levert.",
        "The notebook was not handed in.",
    ),
    "empty": w(
        "Fila er tom. Lagre notebooken, og lever på nytt.",
        "The file is empty. Save the notebook, and hand in again.",
    ),
    "large": w(
        "Fila er for stor til å leses. Tøm utskriften i cellene som skriver mye, lagre, og lever på nytt.",
        "The file is too large to be read. Clear the output of the cells that write much, save, and hand in again.",
    ),
    "nested": w(
        "Innholdet i fila er for innviklet til å leses. Lagre notebooken fra Jupyter, og lever på nytt.",
        "What is in the file is too complicated to be read. Save the notebook from Jupyter, and hand in again.",
    ),
    "broken": w(
        "Fila er ødelagt eller ikke hel, så den kan ikke leses. Se om den åpnes i Jupyter, og lever på nytt.",
        "The file is damaged or not whole, so it cannot be read. See whether it opens in Jupyter, and hand in again.",
    ),
    "conflict": w(
        "Fila har to utgaver av koden, etter en fletting i git som ikke var ferdig. Velg én, og lever på nytt.",
        "The file has two versions of the code, from an unfinished merge in git. Choose one, and hand in again.",
    ),
    "cells": w(
        "Notebooken har for mange celler til å leses. Ta bort dem du ikke trenger, og lever på nytt.",
        "The notebook has too many cells to be read. Remove those you do not need, and hand in again.",
    ),
    "not-a-notebook": w(
        "Fila er ikke en notebook. Lever notebooken slik den er lagret av Jupyter.",
        "The file is not a notebook. Hand in the notebook as Jupyter saved it.",
    ),
})  # fmt: skip

INCIDENTS = Table("incidents", {
    "time": w(
        "Cellen «{cell}» brukte for lang tid da notebooken ble rettet.",
        "The cell «{cell}» took too long when the notebook was graded.",
    ),
    "memory": w(
        "Cellen «{cell}» brukte for mye minne da notebooken ble rettet, og kjernen ble stoppet.",
        "The cell «{cell}» took too much memory when the notebook was graded, and the kernel was stopped.",
    ),
    "crash": w(
        "Kjernen stoppet i cellen «{cell}» da notebooken ble rettet.",
        "The kernel stopped in the cell «{cell}» when the notebook was graded.",
    ),
    "output": w(
        "Cellen «{cell}» skrev ut for mye da notebooken ble rettet. Resten er utelatt, og det koster ingenting.",
        "The cell «{cell}» printed too much when the notebook was graded. The rest is left out, and that costs nothing.",
    ),
    "prompt": w(
        "Cellen «{cell}» ga en modell for lang tekst da notebooken ble rettet. Den forespørselen ble avvist.",
        "The cell «{cell}» gave a model too long a text when the notebook was graded. That request was refused.",
    ),
    "budget": w(
        "Cellen «{cell}» ba modellene om mer enn en notebook får da den ble rettet. Den forespørselen ble avvist.",
        "The cell «{cell}» asked the models for more than a notebook gets when it is graded. That request was refused.",
    ),
    "tampering": w(
        "Noe kom i veien for sjekken «{cell}», eller endret det den fant.",
        "Something got in the way of the check «{cell}», or changed what it had found.",
    ),
    "messages": w(
        "Koden i cellen «{cell}» sendte noe som ikke er en melding fra en kjerne. Det er utelatt.",
        "The code in the cell «{cell}» sent something that is no message from a kernel. It has been left out.",
    ),
})  # fmt: skip

MODELS = Table("models", {
    # What a model host answers a cell that it gives nothing
    "too-long-a-prompt": w(
        "Teksten til modellen er på {tokens} tokener i alt, og ved retting er det plass til {limit}. Gjør den kortere, "
        "for eksempel med færre spørsmål om gangen eller færre gamle meldinger.",
        "The text for the model is {tokens} tokens in all, and grading has room for {limit}. Make it shorter, "
        "for example with fewer questions at a time or fewer old messages.",
    ),
    "budget-spent": w(
        "Ved retting får en notebook {tokens} tokener og {minutes:g} minutter av modellene i alt, og det er brukt opp. Still "
        "færre spørsmål, eller be om kortere svar.",
        "In grading a notebook gets {tokens} tokens and {minutes:g} minutes of the models in all, and these are used up. Ask "
        "fewer questions, or for shorter answers.",
    ),
    "asked-too-long": w(
        "En tidligere forespørsel til en modell tok for lang tid og kunne ikke avbrytes, så modellene svarer ikke mer her.",
        "An earlier request to a model took too long and could not be interrupted, so the models answer no more here.",
    ),
})  # fmt: skip

HAPPENED = Table("happened", {
    # Incidents as the course team reads of them, by kind
    "time": w("Brukte for lang tid", "Took too long"),
    "memory": w("Brukte for mye minne", "Took too much memory"),
    "crash": w("Kjernen stoppet", "The kernel ended"),
    "output": w("Skrev ut for mye", "Printed too much"),
    "prompt": w("For lang tekst til en modell", "Too long a prompt"),
    "budget": w("Ba om for mye av modellene", "Asked for too much of the models"),
    "tampering": w("Noe kom i veien for en sjekk", "Something got in the way of a check"),
    "messages": w("Kjernen sendte noe som ingen kjerne sender", "The kernel sent what no kernel sends"),
})  # fmt: skip
