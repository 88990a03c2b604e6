"""What a check says to a student beside its hints, in Norwegian (bokmål) and English. `judging/` fills in the values."""

from __future__ import annotations

from autograder.words.tables import Table, w

TITLES = Table("titles", {
    "kind": w("`{variable}` er en pipeline for tekstgenerering", "`{variable}` is a pipeline for text generation"),
    "model": w("`{variable}` bruker modellen {model}", "`{variable}` uses the model {model}"),
    "device": w("`{variable}` ligger på GPU 0", "`{variable}` is on GPU 0"),
    "runnable": w("`{variable}` er en kjede som kan kalles", "`{variable}` is a chain that can be called"),
    "text": w("`{variable}` sender ledeteksten din med spørsmålet", "`{variable}` sends your prompt with the question"),
    "asked": w("spørsmålet er stilt", "the question has been asked"),
    "kept": w("`{variable}` holder svaret", "`{variable}` holds the answer"),
    "evidence": w("sjekken ble kjørt", "the check could run"),
    "setting": w("`{variable}` trekker med `{setting}` lik {t}", "`{variable}` samples with {t} as `{setting}`"),
})  # fmt: skip

EXPECTED = Table("expected", {
    "text": w("modellen får «{text}»", "the model gets «{text}»"),
    "value": w("{value}", "{value}"),
    "answer": w("det modellen svarte på «{question}»", "what the model answered to «{question}»"),
    "gpu": w("GPU 0", "GPU 0"),
    "kind": w("HuggingFacePipeline for text-generation", "HuggingFacePipeline for text-generation"),
    "runnable": w("en kjede (Runnable)", "a chain (Runnable)"),
    "checked": w("en kjørt sjekk", "a check that ran"),
    "setting": w("trekking på, `{setting}` lik {t}", "sampling on, {t} as `{setting}`"),
})  # fmt: skip

FOUND = Table("found", {
    "value": w("{value}", "{value}"),
    "nothing": w("ingenting", "nothing"),
    "missing": w("`{variable}` finnes ikke", "`{variable}` does not exist"),
    "none": w("None", "None"),
    "text": w("modellen fikk «{text}»", "the model got «{text}»"),
    "processor": w("prosessoren (CPU)", "the processor (CPU)"),
    "error": w("{error}", "{error}"),
    "left-over": w("`{variable}` fra oppgaven før", "`{variable}` from the task before"),
    "own": w("en `{variable}` laget i denne oppgaven", "a `{variable}` made in this task"),
    "settings": w("innstillinger som er {type}", "settings that are {type}"),
    "settings-names": w("en innstilling uten navn", "a setting without a name"),
    "not-asked": w("ingen modell fikk spørsmålet", "no model got the question"),
    "setting-on": w("trekking på, `{setting}` lik {t}", "sampling on, {t} as `{setting}`"),
    "setting-off": w("trekking av, `{setting}` lik {t}", "sampling off, {t} as `{setting}`"),
})  # fmt: skip

NOTES = Table("notes", {
    "carried": w(
        "En feil fra en tidligere oppgave går igjen her. Den koster ingenting i denne oppgaven.",
        "A mistake from an earlier task shows here too. It costs nothing in this task.",
    ),
    "late": w(
        "Ikke kjent her: sjekken kom i gang etter at modellen var lastet. Start kjernen på nytt og kjør alt for å vite.",
        "Not known here: the check began after the model was loaded. Restart the kernel and run all to know.",
    ),
    "held-up": w(
        "Ikke kjent her: en del av kjeden virker ikke, og det er trukket for før. Rett den, så kan kjeden ses.",
        "Not known here: a part of the chain does not work, which has cost points before. Mend it, and the chain can be seen.",
    ),
    "elsewhere": w(
        "Ikke kjent her: `prompt` er en annen enn oppgavens. Er det feilen fra den første notebooken, koster den ikke igjen.",
        "Not known here: `prompt` is not the task's. If it is the mistake of the first notebook, it costs nothing more.",
    ),
    "other-form": w(
        "Ikke kjent her: kjeden tar imot spørsmålet i en form som sjekken ikke kan stille det i.",
        "Not known here: the chain takes the question in a form in which the check cannot ask it.",
    ),
    "no-gpu": w(
        "Ikke kjent her: denne maskinen har ingen GPU. Det koster ingenting.",
        "Not known here: this machine has no GPU. It costs nothing.",
    ),
    "before": w(
        "Fra før: modellen er frigjort siden, så dette er det forrige resultatet.",
        "From before: the model has been freed since, so this is the last result.",
    ),
})  # fmt: skip

OBSERVATIONS = Table("observations", {
    "sampling-default": w(
        "`do_sample` er ikke satt, men modellen trekker likevel: slik er innstillingene som følger med.",
        "`do_sample` is not set, yet the model samples: such are the settings that come with it.",
    ),
    "empty": w(
        "Modellen svarte med ingenting denne gangen. Det hender, og koster ingenting.",
        "The model answered with nothing this time. It happens, and costs nothing.",
    ),
    "repeats": w(
        "Svaret gjentar seg: «{piece}» kommer {times} ganger.",
        "The answer repeats itself: «{piece}» comes {times} times.",
    ),
    "goes-on": w(
        "Modellen fortsatte samtalen på egen hånd, med nye replikker fra «Human».",
        "The model went on with the conversation on its own, with new lines from «Human».",
    ),
    "stopped-at-limit": w(
        "Svaret stoppet ved grensen på {n} tokener.",
        "The answer stopped at the limit of {n} tokens.",
    ),
})  # fmt: skip

REASONS = Table("reasons", {
    "a-person-looks": w("{what} En person ser på det.", "{what} A person will look."),
    "cannot-tell": w(
        "`{variable}` er bearbeidet slik at det ikke kan ses om det er modellens svar. En person ser på det.",
        "`{variable}` has been processed so that it cannot be seen whether it is the model's answer. A person will look.",
    ),
    "kernel-answered": w(
        "`{variable}` er et svar som notebooken selv sier at den har laget, uten modellverten. En person ser på det.",
        "`{variable}` is an answer that the notebook itself says it has made, without the model host. A person will look.",
    ),
    "empty-agrees": w(
        "`{variable}` er tom, og modellen sa ingenting da den ble spurt i en tidligere celle. En person ser på det.",
        "`{variable}` is empty, and the model said nothing when it was asked in an earlier cell. A person will look.",
    ),
    "nothing-asked": w(
        "`{variable}` ser ut som en pipeline, men sendte ingenting til noen modell. En person ser på det.",
        "`{variable}` looks like a pipeline, but sent nothing to any model. A person will look.",
    ),
    "not-known": w(
        "Noe kunne ikke ses under rettingen. En person ser på det.",
        "Something could not be seen while grading. A person will look.",
    ),
    "fault": w(
        "Rettemaskinen sviktet ({fault}). Oppgaven er ikke rettet ennå, og kjøres på nytt.",
        "The grading machine failed ({fault}). The task has not been judged yet, and will be run again.",
    ),
    "bad-evidence": w(
        "Sjekkens funn kunne ikke leses ({problem}). En person ser på det.",
        "What the check found could not be read ({problem}). A person will look.",
    ),
})  # fmt: skip
