"""`temperature`: the chatbot draws at a temperature; a task for each of `generation.temperatures`."""

from __future__ import annotations

from autograder.course.profile import Values
from autograder.judging.tasks.families import values_of_a_setting
from autograder.words.checks import EXPECTED, FOUND, TITLES
from autograder.words.hints import HINTS
from autograder.words.tables import w

TASK = values_of_a_setting("temperature", "compare-large", Values("temperatures", "temperature"))

TITLES.add({"temperature": w("`{variable}` trekker med temperatur {t}", "`{variable}` samples at temperature {t}")})
EXPECTED.add({"temperature": w("trekking på, temperatur {t}", "sampling on, temperature {t}")})
FOUND.add({
    "temperature-on": w("trekking på, temperatur {t}", "sampling on, temperature {t}"),
    "temperature-off": w("trekking av, temperatur {t}", "sampling off, temperature {t}"),
})  # fmt: skip
HINTS.add({
    "temperature-off": w(
        "`{variable}` velger alltid det mest sannsynlige tokenet, så temperaturen virker ikke. Slå på trekkingen.",
        "`{variable}` always picks the likeliest token, so the temperature does nothing. Switch sampling on.",
    ),
    "temperature-text": w(
        "Temperaturen i `{variable}` er ikke et av Pythons egne tall. Skriv tallet rett inn, uten anførselstegn.",
        "The temperature in `{variable}` is none of Python's own numbers. Write the number itself, without quotation marks.",
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
        "`{variable}` bruker temperatur {found}, ikke {t}. Gi temperaturen til pipelinen: fra kallet når den ikke fram.",
        "`{variable}` uses temperature {found}, not {t}. Give the temperature to the pipeline: in the call it gets lost.",
    ),
    "temperature-asked": w(
        "Spørsmålet ble stilt med temperatur {found}. Still det til kjeden med temperatur {t} for `{variable}`.",
        "The question was asked at temperature {found}. Ask the chain with temperature {t} for `{variable}`.",
    ),
})  # fmt: skip
