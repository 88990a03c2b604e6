"""Every sentence that a check says to a student, in Norwegian (bokmål) and English.

A hint names the variable or the cell to look at and gives one next step; it never holds the solution's code. Values in
`{braces}` are filled in by `checks.py`. Nothing here speaks of what the chatbot is about: that comes from the profile.
"""

from __future__ import annotations

from autograder.facts.verdict import Words


def w(nb: str, en: str) -> Words:
    return Words(nb=nb, en=en)


TITLES = {
    "model-home": w("HF_HOME peker på kursets modellmappe", "HF_HOME points to the course's model folder"),
    "kind": w("`{variable}` er en pipeline for tekstgenerering", "`{variable}` is a pipeline for text generation"),
    "model": w("`{variable}` bruker modellen {model}", "`{variable}` uses the model {model}"),
    "device": w("`{variable}` ligger på GPU 0", "`{variable}` is on GPU 0"),
    "limit": w("`{variable}` har grensen {n} nye tokener", "`{variable}` has the limit of {n} new tokens"),
    "format": w("`answers` har ett argument for hver bokstav", "`answers` has one argument for each letter"),
    "answers": w("svarene i `answers` er riktige", "the answers in `answers` are right"),
    "system": w("`prompt` begynner med systemledeteksten", "`prompt` begins with the system prompt"),
    "placeholder": w("`prompt` har en plassholder for meldinger", "`prompt` has a placeholder for messages"),
    "runnable": w("`{variable}` er en kjede som kan kalles", "`{variable}` is a chain that can be called"),
    "text": w("`{variable}` sender ledeteksten din med spørsmålet", "`{variable}` sends your prompt with the question"),
    "temperature": w("`{variable}` trekker med temperatur {t}", "`{variable}` samples at temperature {t}"),
    "asked": w("spørsmålet er stilt", "the question has been asked"),
    "kept": w("`{variable}` holder svaret", "`{variable}` holds the answer"),
}

HINTS = {
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
    # model-home
    "home-unset": w(
        "`HF_HOME` er ikke satt. Gi miljøvariabelen stien som står i oppgaven.",
        "`HF_HOME` is not set. Give the environment variable the path that the task names.",
    ),
    "home-other": w(
        "`HF_HOME` peker et annet sted. Sammenlign stien med oppgaven, tegn for tegn.",
        "`HF_HOME` points somewhere else. Compare the path with the task, character by character.",
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
        "Sjekken spurte `{variable}`, men ingen modell fikk spørsmålet. Se hva `{variable}` er laget av.",
        "The check asked `{variable}`, but no model got the question. See what `{variable}` is made of.",
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
    # limit-output
    "limit-default": w(
        "`{variable}` har ingen egen grense: {found} nye tokener er det som gjelder ellers. Sett grensen til {n}.",
        "`{variable}` has no limit of its own: {found} new tokens is what holds otherwise. Set the limit to {n}.",
    ),
    "limit-other": w(
        "`{variable}` lager opptil {found} nye tokener. Se på tallet i cellen over; det skal være {n}.",
        "`{variable}` makes up to {found} new tokens. Look at the number in the cell above; it should be {n}.",
    ),
    "limit-total": w(
        "`max_length` teller ledeteksten med. Oppgaven gjelder nye tokener i `{variable}`: finn argumentet for det.",
        "`max_length` counts the prompt too. The task is about new tokens in `{variable}`: find the argument for it.",
    ),
    "limit-ignored": w(
        "Grensen nådde ikke modellen: `{variable}` har den et sted der den ikke blir lest. Gi den til pipelinen.",
        "The limit did not reach the model: `{variable}` has it where nobody reads it. Give it to the pipeline.",
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
    "limit-refused": w(
        "Biblioteket tar ikke imot grensen i `{variable}`. Skriv den som et helt tall, uten anførselstegn.",
        "The library does not take the limit in `{variable}`. Write it as a whole number, without quotation marks.",
    ),
    "left-over": w(
        "`{variable}` er den samme som i oppgaven før. Lag den på nytt, eller endre den, i cellen til denne oppgaven.",
        "`{variable}` is the same as in the task before. Make it anew, or change it, in this task's cell.",
    ),
    # arguments
    "answers-type": w(
        "`answers` er {type}. Den skal være en ordbok (dict) fra bokstav til navnet på et argument.",
        "`answers` is {type}. It should be a dictionary (dict) from a letter to the name of an argument.",
    ),
    "answers-letters": w(
        "`answers` mangler eller har for mange bokstaver: {found}. Hver av {expected} skal stå én gang.",
        "`answers` lacks letters or has too many: {found}. Each of {expected} should be there once.",
    ),
    "answers-unknown": w(
        "`answers` har noe som ikke er et av argumentene i oppgaven: {found}. Skriv navnene som tekst, nøyaktig.",
        "`answers` has something that is none of the task's arguments: {found}. Write the names as text, exactly.",
    ),
    "answers-some": w(
        "{right} av {all} i `answers` er riktige. Les beskrivelsene av argumentene en gang til.",
        "{right} of {all} in `answers` are right. Read the descriptions of the arguments once more.",
    ),
    # prompt
    "prompt-type": w(
        "`prompt` er {type}. Oppgaven ber om en mal for chat-ledetekster fra LangChain.",
        "`prompt` is {type}. The task asks for a chat prompt template from LangChain.",
    ),
    "prompt-raised": w(
        "`prompt` stoppet med {error} da den fikk en liste med meldinger. Se på navnet på plassholderen.",
        "`prompt` stopped with {error} when it got a list of messages. Look at the placeholder's name.",
    ),
    "prompt-variables": w(
        "`prompt` venter på {found}. Plassholderen i `prompt` skal hete `messages`, og ingenting annet trengs.",
        "`prompt` waits for {found}. The placeholder in `prompt` should be called `messages`; nothing else is needed.",
    ),
    "system-missing": w(
        "`prompt` har ingen systemmelding. Den første meldingen i `prompt` skal være av typen system.",
        "`prompt` has no system message. The first message in `prompt` should be of the type system.",
    ),
    "system-other": w(
        "Systemledeteksten i `prompt` er en annen enn i oppgaven. Kopier den derfra, med alle tegn.",
        "The system prompt in `prompt` differs from the task's. Copy it from there, with every character.",
    ),
    "system-last": w(
        "I `prompt` kommer plassholderen før systemmeldingen. Bytt om på rekkefølgen.",
        "In `prompt` the placeholder comes before the system message. Swap the order.",
    ),
    "placeholder-text": w(
        "`prompt` gjør lista med meldinger om til tekst. Bruk en plassholder for meldinger, ikke en tekstvariabel.",
        "`prompt` turns the list of messages into text. Use a placeholder for messages, not a text variable.",
    ),
    "placeholder-missing": w(
        "Meldingene som sendes inn, kommer ikke ut av `prompt`. Legg til en plassholder som heter `messages`.",
        "The messages that go in do not come out of `prompt`. Add a placeholder called `messages`.",
    ),
    "question-inside": w(
        "`prompt` har et spørsmål skrevet inn i seg. Ta det ut: spørsmålet kommer når kjeden kalles.",
        "`prompt` has a question written into it. Take it out: the question comes when the chain is called.",
    ),
    "prompt-extra": w(
        "`prompt` legger til flere meldinger enn systemledeteksten og dine egne. Fjern det som er for mye.",
        "`prompt` adds more messages than the system prompt and your own. Remove what is too much.",
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
    "sampling-off": w(
        "`{variable}` velger alltid det mest sannsynlige tokenet, så temperaturen virker ikke. Slå på trekkingen.",
        "`{variable}` always picks the likeliest token, so the temperature does nothing. Switch sampling on.",
    ),
    "sampling-cancelled": w(
        "`{variable}` trekker, men {setting} lar bare ett token være igjen å velge i. Ta bort den innstillingen.",
        "`{variable}` samples, but {setting} leaves just one token to choose from. Take that setting away.",
    ),
    "temperature-text": w(
        "Temperaturen i `{variable}` er tekst, ikke et tall. Skriv tallet uten anførselstegn.",
        "The temperature in `{variable}` is text, not a number. Write the number without quotation marks.",
    ),
    "temperature-whole": w(
        "Biblioteket tar ikke imot et helt tall som temperatur. Skriv {found} med desimalpunkt i `{variable}`.",
        "The library does not take a whole number as temperature. Write {found} with a decimal point in `{variable}`.",
    ),
    "temperature-other": w(
        "`{variable}` har temperatur {found}. Se på innstillingene i `{variable}`: den skal være {t}.",
        "`{variable}` has temperature {found}. Look at the settings of `{variable}`: it should be {t}.",
    ),
    "temperature-ignored": w(
        "Temperaturen nådde ikke modellen: `{variable}` bruker {found}. Gi den til pipelinen, ikke rett til `.bind`.",
        "The temperature did not reach the model: `{variable}` uses {found}. Give it to the pipeline, not to `.bind`.",
    ),
    "temperature-none": w(
        "`{variable}` har ingen temperatur; modellen bruker {found}. Gi den til pipelinen: fra kallet når den ikke fram.",
        "`{variable}` has no temperature; the model uses {found}. Give it to the pipeline: in the call it gets lost.",
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
    "llm-broken": w(
        "`{variable}` har ikke noe svar, for `llm` svarer ikke. Feilen er i cellen som lager `llm`: rett den først.",
        "`{variable}` has no answer, since `llm` does not answer. The mistake is in the cell that makes `llm`: mend it first.",
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
    "asked-other-settings": w(
        "Spørsmålet ble stilt med temperatur {found}. Still det til kjeden med temperatur {t} for `{variable}`.",
        "The question was asked at temperature {found}. Ask the chain with temperature {t} for `{variable}`.",
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
}  # fmt: skip

EXPECTED = {
    "text": w("modellen får «{text}»", "the model gets «{text}»"),
    "value": w("{value}", "{value}"),
    "limit": w("en grense på {n} nye tokener", "a limit of {n} new tokens"),
    "sampling": w("trekking på, temperatur {t}", "sampling on, temperature {t}"),
    "answer": w("det modellen svarte på «{question}»", "what the model answered to «{question}»"),
    "right": w("{all} riktige", "{all} right"),
    "gpu": w("GPU 0", "GPU 0"),
    "kind": w("HuggingFacePipeline for text-generation", "HuggingFacePipeline for text-generation"),
    "placeholder": w(
        "meldingene som sendes inn, kommer uendret etter systemledeteksten",
        "the messages that go in come out unchanged after the system prompt",
    ),
    "runnable": w("en kjede (Runnable)", "a chain (Runnable)"),
    "letters": w("bokstavene {letters}", "the letters {letters}"),
}

FOUND = {
    "value": w("{value}", "{value}"),
    "nothing": w("ingenting", "nothing"),
    "missing": w("`{variable}` finnes ikke", "`{variable}` does not exist"),
    "none": w("None", "None"),
    "text": w("modellen fikk «{text}»", "the model got «{text}»"),
    "limit": w("en grense på {n} nye tokener", "a limit of {n} new tokens"),
    "no-limit": w("ingen grense på nye tokener", "no limit on new tokens"),
    "sampling": w("trekking {sampling}, temperatur {t}", "sampling {sampling}, temperature {t}"),
    "right": w("{right} av {all} riktige", "{right} of {all} right"),
    "processor": w("prosessoren (CPU)", "the processor (CPU)"),
    "error": w("{error}", "{error}"),
    "left-over": w("`{variable}` fra oppgaven før", "`{variable}` from the task before"),
    "own": w("en `{variable}` laget i denne oppgaven", "a `{variable}` made in this task"),
    "settings": w("innstillinger som er {type}", "settings that are {type}"),
    "settings-names": w("en innstilling uten navn", "a setting without a name"),
    "not-asked": w("ingen modell fikk spørsmålet", "no model got the question"),
}

NOTES = {
    "carried": w(
        "En feil fra en tidligere oppgave går igjen her. Den koster ingenting i denne oppgaven.",
        "A mistake from an earlier task shows here too. It costs nothing in this task.",
    ),
    "late": w(
        "Ikke kjent her: sjekken kom i gang etter at modellen var lastet. Start kjernen på nytt og kjør alt for å vite.",
        "Not known here: the check began after the model was loaded. Restart the kernel and run all to know.",
    ),
    "held-up": w(
        "Ikke kjent her: `llm` svarer ikke, og det er trukket for før. Rett `llm`, så kan kjeden ses.",
        "Not known here: `llm` does not answer, which has cost points before. Mend `llm`, and the chain can be seen.",
    ),
    "elsewhere": w(
        "Ikke kjent her: `prompt` er en annen enn oppgavens. Er det feilen fra den første notebooken, koster den ikke igjen.",
        "Not known here: `prompt` is not the task's. If it is the mistake of the first notebook, it costs nothing more.",
    ),
    "no-gpu": w(
        "Ikke kjent her: denne maskinen har ingen GPU. Det koster ingenting.",
        "Not known here: this machine has no GPU. It costs nothing.",
    ),
    "before": w(
        "Fra før: modellen er frigjort siden, så dette er det forrige resultatet.",
        "From before: the model has been freed since, so this is the last result.",
    ),
}

OBSERVATIONS = {
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
}

REASONS = {
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
}

INCIDENTS = {
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
    "tampering": w(
        "Noe kom i veien for sjekken «{cell}», eller endret det den fant.",
        "Something got in the way of the check «{cell}», or changed what it had found.",
    ),
    "messages": w(
        "Koden i cellen «{cell}» sendte noe som ikke er en melding fra en kjerne. Det er utelatt.",
        "The code in the cell «{cell}» sent something that is no message from a kernel. It has been left out.",
    ),
}
ASKED_TOO_LONG = w(
    "En tidligere forespørsel til en modell tok for lang tid og kunne ikke avbrytes, så modellene svarer ikke mer her.",
    "An earlier request to a model took too long and could not be interrupted, so the models answer no more here.",
)
TOO_LONG_A_PROMPT = w(
    "Teksten til modellen er på {tokens} tokener i alt, og ved retting er det plass til {limit}. Gjør den kortere, "
    "for eksempel med færre spørsmål om gangen eller færre gamle meldinger.",
    "The text for the model is {tokens} tokens in all, and grading has room for {limit}. Make it shorter, "
    "for example with fewer questions at a time or fewer old messages.",
)
A_PERSON_LOOKS = w("En person ser på det.", "A person will look.")


REPAIRS = {
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
}

UNREADABLE = {
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
}

HAND_IN = {
    # What a student is told when handing in, and the graders when they collect
    "complete": w("Alt ser ut til å være med.", "Everything seems to be there."),
    "missing": w(
        "Notebooken «{name}» mangler. Hent den tilbake, eller gi den sitt gamle navn, og lever på nytt.",
        "The notebook «{name}» is missing. Get it back, or give it its old name, and hand in again.",
    ),
    "unreadable": w("Notebooken «{name}»: {reason}", "The notebook «{name}»: {reason}"),
    "extra": w(
        "Disse filene hører ikke til oppgaven: {names}. De er med, men blir ikke vurdert.",
        "These files are not part of the assignment: {names}. They are included, but not judged.",
    ),
    "aside": w(
        "Dette kunne ikke tas med (lenker, spesialfiler, for store filer eller andres): {names}.",
        "This could not be included (links, special files, files that are too large or somebody else's): {names}.",
    ),
    "no-text": w(
        "«{name}»: {n} tekstsvar er ikke skrevet ennå ({cells}).",
        "«{name}»: {n} text answer(s) not written yet ({cells}).",
    ),
    "no-code": w(
        "«{name}»: {n} oppgave(r) er ikke besvart ennå ({cells}).",
        "«{name}»: {n} task(s) not answered yet ({cells}).",
    ),
    "nothing-run": w(
        "«{name}»: ingen celler er kjørt, eller all utskrift er tømt. Kjør alle celler, lagre, og lever på nytt.",
        "«{name}»: no cell has been run, or all output was cleared. Run all cells, save, and hand in again.",
    ),
    "not-run": w(
        "«{name}»: {n} celle(r) er ikke kjørt ({cells}). Kjør alle celler fra toppen, og lagre.",
        "«{name}»: {n} cell(s) have not been run ({cells}). Run all cells from the top, and save.",
    ),
    "out-of-order": w(
        "«{name}»: cellene er ikke kjørt i rekkefølge. Start kjernen på nytt, kjør alle celler, og se at det går bra.",
        "«{name}»: the cells were not run in order. Restart the kernel, run all cells, and see that it goes well.",
    ),
    "late": w(
        "Levert {when}, etter fristen {due}. Snakk med kurset om du hadde en grunn.",
        "Handed in {when}, after the deadline {due}. Talk to the course if you had a reason.",
    ),
    "again": w(
        "Det er levert {n} ganger. Den nyeste leveringen teller.",
        "This has been handed in {n} times. The newest one counts.",
    ),
    # The note that a student finds beside the notebooks
    "received": w("Levert {when}: {assignment}", "Handed in {when}: {assignment}"),
    "saved": w("{name}, slik den ble lagret {when}", "{name}, as it was saved {when}"),
    "look": w("Se gjerne på dette:", "Worth a look:"),
    "afterwards": w(
        "Du kan rette på det og levere på nytt så lenge oppgaven er åpen. Den nyeste leveringen teller.",
        "You can change things and hand in again as long as the assignment is open. The newest one counts.",
    ),
    "not-yours": w(
        "Du er logget inn som {user} og kan bare levere for deg selv, ikke for {other}.",
        "You are logged in as {user} and can hand in for yourself only, not for {other}.",
    ),
    # For the graders alone
    "stranger": w(
        "AVVIST: {name} er levert i navnet til {student}, men mappa eies av {owner}. Den er ikke hentet. Spør {owner}.",
        "REJECTED: {name} was handed in as {student}, but the folder is owned by {owner}. Not collected. Ask {owner}.",
    ),
    "no-folder": w(
        "AVVIST: {name} er ikke en mappe, men en lenke eller noe annet. Den er ikke hentet.",
        "REJECTED: {name} is not a folder, but a link or something else. Not collected.",
    ),
    "no-name": w(
        "AVVIST: {name} er ikke et navn som nbgrader gir en levering. Den er ikke hentet.",
        "REJECTED: {name} is not a name that nbgrader gives a submission. Not collected.",
    ),
    "gone": w(
        "{name} kunne ikke hentes ({error}). Hent igjen.",
        "{name} could not be collected ({error}). Collect again.",
    ),
    "changed": w(
        "Leveringen sier {when}, men ble sist endret {changed}. Fristen bør vurderes av en person.",
        "The submission says {when}, but was last changed {changed}. A person should decide about the deadline.",
    ),
}

LAYOUT = {
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
}  # fmt: skip

FEEDBACK = {
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
}
