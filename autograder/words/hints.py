"""The hints of the checks, in Norwegian (bokmål) and English.

A hint names the variable or the cell to look at and gives one next step; it never holds the solution's code. `judging/` fills in
the values. Nothing here speaks of what the chatbot is about: that comes from the profile. A hint that one task alone gives may
stand in that task's own file.
"""

from __future__ import annotations

from autograder.words.tables import Table, w

HINTS = Table("hints", {
    # A variable that is not there, a cell that stopped
    "missing": w(
        "`{variable}` finnes ikke ennå. Kjør cellen over, og se etter at navnet er skrevet akkurat slik.",
        "`{variable}` does not exist yet. Run the cell above, and see that the name is spelled just like this.",
    ),
    "missing-raised": w(
        "Cellen over stoppet med {error} før `{variable}` fikk verdien sin. Rett feilen, og kjør cellen igjen.",
        "The cell above stopped with {error} before `{variable}` got its value. Fix it, and run the cell again.",
    ),
    "out-of-order": w(
        "Cellen som lager `{variable}`, bruker `{name}`, som ikke finnes ennå. Kjør cellene i rekkefølge, ovenfra og ned.",
        "The cell that makes `{variable}` uses `{name}`, which does not exist yet. Run the cells in order, from the top.",
    ),
    "setting-refused": w(
        "`{setting}` tas ikke imot der du skrev det for `{variable}`. Det er pipelinen som skal ha det.",
        "`{setting}` is not accepted where you wrote it for `{variable}`. It is the pipeline that should have it.",
    ),
    "none": w(
        "`{variable}` er tom (None). Kjør cellen som lager den; den blir også tom når modeller frigjøres.",
        "`{variable}` is empty (None). Run the cell that makes it; freeing models also empties it.",
    ),
    "decimal-comma": w(
        "Desimaltall skrives med punktum i kode. Bytt ut kommaet i tallet du bruker for `{variable}`.",
        "Decimal numbers are written with a point in code. Replace the comma in the number for `{variable}`.",
    ),
    # load-model, ask-base
    "not-a-pipeline": w(
        "`{variable}` er {type}. Oppgaven ber om LangChains klasse rundt en pipeline; se hvilken klasse den nevner.",
        "`{variable}` is {type}. The task asks for LangChain's class around a pipeline; see which class it names.",
    ),
    "wrapped-model": w(
        "`{variable}` kommer rett fra transformers. Pakk den inn i LangChains klasse, så den kan stå i en kjede.",
        "`{variable}` comes straight from transformers. Wrap it in LangChain's class, so that a chain can hold it.",
    ),
    "chat-wrapper": w(
        "ChatHuggingFace tar bare klassen fra langchain_huggingface, uten `.bind`. Bytt det som er inni `{variable}`.",
        "ChatHuggingFace takes only the class of langchain_huggingface, without `.bind`. Change what `{variable}` holds.",
    ),
    "wrong-model": w(
        "`{variable}` spurte {found}. Se på modellnavnet i `{variable}`: det skal være {expected}.",
        "`{variable}` asked {found}. Look at the model name in `{variable}`: it should be {expected}.",
    ),
    "instruct-for-base": w(
        "`{variable}` bruker den instruksjonstrente modellen {found}. Her skal du bruke basismodellen {expected}.",
        "`{variable}` uses the instruct model {found}. Here you should use the base model {expected}.",
    ),
    "base-for-instruct": w(
        "`{variable}` bruker basismodellen {found}. Her skal du bruke den instruksjonstrente: {expected}.",
        "`{variable}` uses the base model {found}. Here you should use the instruct model: {expected}.",
    ),
    "no-model-asked": w(
        "Sjekken spurte `{variable}`, men ingen av kursets modeller fikk spørsmålet. Se hva `{variable}` er laget av.",
        "The check asked `{variable}`, but none of the course's models got the question. See what `{variable}` is made of.",
    ),
    "no-model-raised": w(
        "`{variable}` stoppet med {error} før noen modell fikk spørsmålet. Prøv å kalle den selv, og les feilen.",
        "`{variable}` stopped with {error} before any model got the question. Call it yourself, and read the error.",
    ),
    "on-cpu": w(
        "`{variable}` ligger på prosessoren, ikke på GPU-en. Se på argumentet i `{variable}` som velger enhet.",
        "`{variable}` is on the processor, not on the GPU. Look at the argument of `{variable}` that picks the device.",
    ),
    "other-device": w(
        "`{variable}` ligger på {found}, ikke på GPU 0. Se på argumentet i `{variable}` som velger enhet.",
        "`{variable}` is on {found}, not on GPU 0. Look at the argument of `{variable}` that picks the device.",
    ),
    "device-text": w(
        "Klassen leste en tekst der den venter et tall. Skriv GPU-en til `{variable}` som nummer, uten anførselstegn.",
        "The class read a text where it wants a number. Write the GPU of `{variable}` as a number, without quotes.",
    ),
    "no-chat-template": w(
        "Modellen har ingen mal for samtaler, og ChatHuggingFace trenger en. La `llm` selv stå i kjeden.",
        "The model has no template for chats, and ChatHuggingFace needs one. Let `llm` itself stand in the chain.",
    ),
    # limit-output
    "setting-unknown": w(
        "Ingen innstilling heter `{setting}`. Se etter en skrivefeil i cellen som lager `{variable}`.",
        "No setting is called `{setting}`. Look for a misspelling in the cell that makes `{variable}`.",
    ),
    "settings-set": w(
        "Innstillingene i `{variable}` er en mengde (set): det står komma der det skal stå kolon mellom navn og verdi.",
        "The settings in `{variable}` are a set: a comma stands where a colon belongs between name and value.",
    ),
    "settings-type": w(
        "Innstillingene i `{variable}` er {type}. De skal være en ordbok (dict) med navn og verdi.",
        "The settings in `{variable}` are {type}. They should be a dictionary (dict) of names and values.",
    ),
    "settings-names": w(
        "En innstilling i `{variable}` har et navn som ikke er tekst. Navnet skal stå først, i anførselstegn.",
        "A setting in `{variable}` has a name that is not text. The name comes first, in quotation marks.",
    ),
    "left-over": w(
        "`{variable}` er den samme som i oppgaven før. Lag den på nytt, eller endre den, i cellen til denne oppgaven.",
        "`{variable}` is the same as in the task before. Make it anew, or change it, in this task's cell.",
    ),
    # chain
    "not-runnable": w(
        "`{variable}` er {type}, ikke en kjede. En kjede settes sammen av ledetekst og modell, i den rekkefølgen.",
        "`{variable}` is {type}, not a chain. A chain is put together from prompt and model, in that order.",
    ),
    "chain-is-answer": w(
        "`{variable}` er et svar, ikke en kjede. Lag kjeden først, og kall den i en senere celle.",
        "`{variable}` is an answer, not a chain. Make the chain first, and call it in a later cell.",
    ),
    "chain-reversed": w(
        "I `{variable}` kommer modellen før ledeteksten. Bytt om på de to.",
        "In `{variable}` the model comes before the prompt. Swap the two.",
    ),
    "chain-raised": w(
        "`{variable}` stoppet med {error} før noen modell fikk spørsmålet. Prøv å kalle den selv, og les feilen.",
        "`{variable}` stopped with {error} before any model got the question. Call it yourself, and read the error.",
    ),
    "text-no-prompt": w(
        "Modellen fikk spørsmålet, men ikke systemledeteksten. Se om `{variable}` går gjennom `prompt`.",
        "The model got the question, but not the system prompt. See whether `{variable}` goes through `prompt`.",
    ),
    "text-no-question": w(
        "Modellen fikk ikke sjekkens spørsmål, men en annen tekst. Se om `{variable}` har et fast spørsmål i seg.",
        "The model did not get the check's question but another text. See whether `{variable}` holds a fixed one.",
    ),
    "prompt-not-inside": w(
        "`{variable}` går ikke gjennom `prompt`. En kjede settes sammen av ledetekst og modell, i den rekkefølgen.",
        "`{variable}` does not go through `prompt`. A chain is put together from prompt and model, in that order.",
    ),
    "text-other": w(
        "Teksten som nådde modellen, er ikke den `prompt` gir. Se hva `{variable}` legger til eller endrer.",
        "The text that reached the model is not what `prompt` gives. See what `{variable}` adds or changes.",
    ),
    # temperature
    "sampling-cancelled": w(
        "`{variable}` trekker, men {setting} lar bare ett token være igjen å velge i. Ta bort den innstillingen.",
        "`{variable}` samples, but {setting} leaves just one token to choose from. Take that setting away.",
    ),
    "settings-on-chain": w(
        "Innstillingene til `{variable}` er gitt til hele kjeden, og der blir de oversett. Gi dem til modellen i den.",
        "The settings of `{variable}` are given to the whole chain, which ignores them. Give them to the model inside.",
    ),
    # answers
    "not-asked": w(
        "Ingen modell har fått spørsmålet «{question}» ennå. Still det i cellen som lager `{variable}`.",
        "No model has got the question «{question}» yet. Ask it in the cell that makes `{variable}`.",
    ),
    "asked-raised": w(
        "Spørsmålet nådde modellen, men kallet stoppet med {error}. Les feilen i cellen som lager `{variable}`.",
        "The question reached the model, but the call stopped with {error}. Read the error where you make `{variable}`.",
    ),
    "broken": w(
        "`{variable}` har ikke noe svar, for `{name}` virker ikke. Feilen er i cellen som lager `{name}`: rett den først.",
        "`{variable}` has no answer, since `{name}` does not work. The mistake is in the cell that makes `{name}`: mend it.",
    ),
    "asked-nearly": w(
        "Du spurte «{found}», og oppgaven spør «{question}». Rett spørsmålet i cellen som lager `{variable}`.",
        "You asked «{found}», and the task asks «{question}». Correct the question in the cell that makes `{variable}`.",
    ),
    "asked-otherwise": w(
        "Spørsmålet nådde modellen i en annen form enn kjeden gir. Still det til kjeden når du lager `{variable}`.",
        "The question reached the model in another form than the chain gives. Ask the chain when you make `{variable}`.",
    ),
    "asked-together": w(
        "Modellen fikk også det forrige spørsmålet. Still bare ett spørsmål i kallet som lager `{variable}`.",
        "The model got the earlier question too. Ask just one question in the call that makes `{variable}`.",
    ),
    "asked-other-model": w(
        "Spørsmålet gikk til {found}. Still spørsmålet til {expected} i cellen som lager `{variable}`.",
        "The question went to {found}. Ask {expected} in the cell that makes `{variable}`.",
    ),
    "not-kept": w(
        "Spørsmålet er stilt, men svaret ligger ikke i `{variable}`. Gi det variabelen der du kaller kjeden.",
        "The question has been asked, but the answer is not in `{variable}`. Assign it where you call the chain.",
    ),
    "kept-none": w(
        "`{variable}` er None: `print` gir ingenting tilbake. La `{variable}` få svaret først, og skriv det ut etterpå.",
        "`{variable}` is None: `print` gives nothing back. Let `{variable}` have the answer first, and print it after.",
    ),
    "kept-other": w(
        "`{variable}` holder svaret på et annet spørsmål: «{found}». Kjør cellene i rekkefølge, ovenfra og ned.",
        "`{variable}` holds the answer to another question: «{found}». Run the cells in order, from the top.",
    ),
    "kept-again": w(
        "`{variable}` holder svaret fra en tidligere oppgave. Still spørsmålet på nytt i cellen som lager `{variable}`.",
        "`{variable}` holds the answer of an earlier task. Ask the question again in the cell that makes `{variable}`.",
    ),
    "kept-type": w(
        "`{variable}` er {type}. Den skal være teksten eller meldingen som kom tilbake fra kjeden.",
        "`{variable}` is {type}. It should be the text or the message that came back from the chain.",
    ),
    "no-evidence": w(
        "Sjekken av denne oppgaven kunne ikke kjøres, så ingenting kunne ses. Kjør notebooken fra toppen, og lever på nytt.",
        "The check of this task could not run, so nothing could be seen. Run the notebook from the top; hand in again.",
    ),
    "setting-off": w(
        "`{variable}` velger alltid det mest sannsynlige tokenet, så `{setting}` virker ikke. Slå på trekkingen.",
        "`{variable}` always picks the likeliest token, so `{setting}` does nothing. Switch sampling on.",
    ),
    "setting-text": w(
        "`{setting}` i `{variable}` er ikke et av Pythons egne tall. Skriv tallet rett inn, uten anførselstegn.",
        "`{setting}` in `{variable}` is none of Python's own numbers. Write the number itself, without quotation marks.",
    ),
    "setting-other": w(
        "`{variable}` har `{setting}` lik {found}. Se på innstillingene i `{variable}`: den skal være {t}.",
        "`{variable}` has {found} as its `{setting}`. Look at the settings of `{variable}`: it should be {t}.",
    ),
    "setting-ignored": w(
        "`{setting}` nådde ikke modellen: `{variable}` bruker {found}. Gi den til pipelinen, ikke rett til `.bind`.",
        "`{setting}` did not reach the model: `{variable}` uses {found}. Give it to the pipeline, not to `.bind`.",
    ),
    "setting-none": w(
        "`{variable}` bruker {found} som `{setting}`, ikke {t}. Gi den til pipelinen: fra kallet når den ikke fram.",
        "`{variable}` uses {found} as `{setting}`, not {t}. Give it to the pipeline: in the call it gets lost.",
    ),
    "setting-asked": w(
        "Spørsmålet ble stilt med `{setting}` lik {found}. Still det til kjeden der den er {t}, for `{variable}`.",
        "The question was asked with {found} as `{setting}`. Ask the chain in which it is {t}, for `{variable}`.",
    ),
})  # fmt: skip
