"""Every sentence of the report, in Norwegian (bokmål) and English. `pages/report/` fills in the values."""

from __future__ import annotations

from autograder.words.tables import Table, w

REPORT = Table("report", {
    "title": w("Rapport: {assignment}", "Report: {assignment}"),
    "skip": w("Hopp til innholdet", "Skip to the content"),
    "contents": w("Innhold", "Contents"),
    "numbers": w("Tallene bak bildet", "The numbers behind the picture"),
    "table": w("Tabell: {name}", "Table: {name}"),
    "picture": w("Bilde: {name}", "Picture: {name}"),
    "nothing": w("Ingen.", "None."),
    "for-team": w(
        "For kursteamet. Poengene er de som gjelder nå: etter overstyringer, og etter poeng gitt av en person.",
        "For the course team. Points are those that hold now: after overrides, and after a person's scores.",
    ),
    "with-names": w(
        "Denne utgaven har navn. Den skal ikke deles utenfor kursteamet.",
        "This version has names. It is not to be shared outside the course team.",
    ),
    "without-names": w(
        "Studentene har nummer i stedet for navn. Et nummer er det samme neste gang. "
        "Eksempler er uten navn, adresser og stier.",
        "Students have numbers in place of names. A number is the same next time. "
        "Examples are without names, addresses and paths.",
    ),
    "nobody": w("Ingen har levert ennå.", "Nobody has handed in yet."),
    "nobody-graded": w(
        "{students} har levert, og ingen er rettet ennå. Kjør `nbgrader autograde {assignment}`.",
        "{students} handed in, and nobody has been graded yet. Run `nbgrader autograde {assignment}`.",
    ),
    "summary": w(
        "{graded} av {students} som har levert, er rettet.", "{graded} of {students} who handed in have been graded."
    ),
    "summary-open": w(
        "{review} sjekker venter på en person, {not_judged} er ikke rettet, og {unmarked} studenter har fritekst som venter.",
        "{review} checks wait for a person, {not_judged} are not judged, and {unmarked} students have free text that waits.",
    ),
    "damaged-name": w("Filer som ikke kan leses", "Files that cannot be read"),
    "damaged": w(
        "Disse filene kunne ikke leses, og er ikke med i tallene. Flytt dem bort, og rett studenten på nytt:",
        "These files could not be read, and are not in the numbers. Move them away, and grade the student again:",
    ),
    # Scores
    "scores": w("Poeng", "Scores"),
    "automatic": w("Det autograderen retter ({points} poeng)", "What the autograder judges ({points} points)"),
    "final": w("Alt, med fritekst ({points} poeng)", "Everything, free text included ({points} points)"),
    "scores-missing": w(
        "{count} er ikke med i bildet: noe har ikke poeng ennå.",
        "{count} are not in the picture: something has no score yet.",
    ),
    "no-scores": w("Ingen har poeng for alt dette ennå.", "Nobody has a score for all of this yet."),
    "scores-alt": w(
        "Stolper over poengsummer for {count} studenter, fra {low} til {high} av {most}. Median {median}, snitt {mean}; {full} "
        "har full pott.",
        "Bars of scores for {count} students, from {low} to {high} of {most}. Median {median}, mean {mean}; {full} have "
        "full marks.",
    ),
    "points": w("poeng", "points"),
    "students": w("studenter", "students"),
    "median-label": w("median {value}", "median {value}"),
    # Tasks
    "tasks": w("Oppgavene", "The tasks"),
    "tasks-name": w("Oppgavene: alt, noe eller ingenting", "The tasks: all, a part or nothing"),
    "tasks-alt": w(
        "En stripe for hver oppgave, delt i alle poeng, noen poeng og ingen poeng. Færrest har alle poeng i {lowest} "
        "({low}), flest i {highest} ({high}).",
        "A bar for each task, divided into all points, some points and no points. Fewest have all points in {lowest} "
        "({low}), most in {highest} ({high}).",
    ),
    "task": w("oppgave", "task"),
    "most": w("av", "of"),
    "all": w("alle poeng", "all points"),
    "some": w("noen poeng", "some points"),
    "no-points": w("ingen poeng", "no points"),
    "open": w("uten poeng ennå", "no score yet"),
    "share-all": w("andel med alle", "share with all"),
    "mean": w("snitt", "mean"),
    "criteria": w("Kriteriene", "The criteria"),
    "criteria-name": w("Kriteriene som flest mangler", "The criteria that most are missing"),
    "criteria-alt": w(
        "Et punkt for hvert av de {count} kriteriene som flest mangler: hvor stor andel som har det på plass. Lavest er "
        "{lowest} med {low}.",
        "A dot for each of the {count} criteria that most are missing: the share that has it in place. Lowest is {lowest} "
        "with {low}.",
    ),
    "criteria-all": w("Alle kriterier er på plass hos alle.", "Every criterion is in place for everybody."),
    "criterion": w("kriterium", "criterion"),
    "in-place": w("på plass", "in place"),
    "missing": w("mangler", "missing"),
    "not-known": w("ikke kjent", "not known"),
    "overruled": w("overstyrt", "overruled"),
    "share": w("andel på plass", "share in place"),
    # Mistakes
    "mistakes": w("De vanligste feilene", "The commonest mistakes"),
    "mistakes-intro": w(
        "Samme råd er samme feil, i hvilken oppgave det enn står. Eksempelet er det vanligste. Feil som går igjen fra en "
        "tidligere oppgave, er ikke talt på nytt.",
        "The same advice is the same mistake, at whatever task. The example is the commonest. A mistake carried from an "
        "earlier task is not counted again.",
    ),
    "mistakes-rest": w("{count} sjeldnere feil er ikke vist.", "{count} rarer mistakes are not shown."),
    "no-mistakes": w("Ingen feil er funnet.", "No mistakes have been found."),
    "how-many": w("{count} av {all} ({share})", "{count} of {all} ({share})"),
    "expected": w("Forventet", "Expected"),
    "found": w("Fant", "Found"),
    "next": w("Neste steg", "Next step"),
    # A person looks
    "reviews": w("Det en person må se på", "What a person must look at"),
    "reviews-intro": w(
        "Poengene er foreslått til en person har sett på dem i Formgrader. {settled} er avgjort.",
        "Points are proposed until a person has looked at them in Formgrader. {settled} have been settled.",
    ),
    "student": w("student", "student"),
    "check": w("sjekk", "check"),
    "proposed": w("foreslått", "proposed"),
    "why": w("hvorfor", "why"),
    "not-judged": w("Ikke rettet", "Not judged"),
    "not-judged-intro": w(
        "Rettemaskinen sviktet. Kjør `nbgrader autograde {assignment}` igjen; det tar bare disse.",
        "The grader's own side failed. Run `nbgrader autograde {assignment}` again; it takes only these.",
    ),
    # Who was late
    "late": w("Levert etter fristen", "Handed in after the deadline"),
    "late-intro": w(
        "Alt er rettet som ellers, og ingen poeng er trukket fra av denne grunn, med mindre kurset har bestemt det i nbgrader.",
        "All of it is graded as usual, and no points are taken off for it unless the course has decided so in nbgrader.",
    ),
    "late-by": w("hvor lenge etter", "how long after"),
    "extension": w("utsatt frist", "extension"),
    "no-extension": w("nei", "no"),
    "extension-covers": w("ja, og levert innen den", "yes, and handed in within it"),
    "extension-too-short": w("ja, og levert etter den", "yes, and handed in after it"),
    # What happened
    "happened": w("Hendelser mens notebookene kjørte", "What happened while the notebooks ran"),
    "what": w("hva", "what"),
    "notebook": w("notebook", "notebook"),
    "cell": w("celle", "cell"),
    "mended": w("Det som ble rettet opp før kjøring", "What was mended before it ran"),
    "times": w("ganger", "times"),
    # Temperature
    "temperature": w("Temperatur og svar", "Temperature and answers"),
    "temperature-intro": w(
        "Svarene er fra rettingen, ikke dem studentene så. Lik kode kjøres én gang, og like kall besvares én gang, så de "
        "som har skrevet det samme, deler ett svar. Hvert ulike svar er talt én gang her.",
        "The answers are from grading, not those that the students saw. Equal code is executed once and equal calls are "
        "answered once, so those who wrote the same share one answer. Each different answer counts once here.",
    ),
    "temperature-name": w("Hvor like og hvor varierte svarene er", "How alike and how varied the answers are"),
    "temperature-alt": w(
        "Et merke for hvert svar ved hver temperatur, og en strek ved medianen. {parts}",
        "A mark for each answer at each temperature, and a line at the median. {parts}",
    ),
    "temperature-part": w(
        "Temperatur {t}: {count} svar, median {alike} ord felles med de andre, {variety} ulike ord.",
        "Temperature {t}: {count} answers, median {alike} words in common with the others, {variety} different words.",
    ),
    "alike": w("felles ord med de andre svarene", "words in common with the other answers"),
    "variety": w("ulike ord i svaret", "different words in the answer"),
    "temperature-axis": w("temperatur", "temperature"),
    "answers": w("ulike svar", "different answers"),
    "repeats": w("gjentar seg", "repeat themselves"),
    "at-limit": w("stoppet ved grensen", "stopped at the limit"),
    "empty": w("tomme", "empty"),
    "begins": w("et svar begynner slik", "one answer begins like this"),
    "no-temperature": w("Ingen svar med temperatur er på post.", "No answers with a temperature are on record."),
    "observed": w("Lagt merke til (koster ingenting)", "Noticed (costs nothing)"),
    "observation": w("observasjon", "observation"),
    "where": w("hvor", "where"),
    # Cost
    "cost": w("Tid og kostnad", "Time and cost"),
    "cost-notebooks": w(
        "{notebooks} notebooker kom av {executions} kjøringer; de andre {shared} har samme kode som en av dem.",
        "{notebooks} notebooks came of {executions} executions; the other {shared} have the same code as one of them.",
    ),
    "cost-requests": w(
        "Studentenes kode stilte {asked} spørsmål til modellene, {different} av dem ulike. Svarene er {tokens} tokener, "
        "{generated} av dem i ulike svar. Sjekkenes egne {questions} spørsmål ble besvart uten modell.",
        "The students' code asked the models {asked} times, {different} of them different. The answers are {tokens} tokens, "
        "{generated} of them in different answers. The checks' own {questions} questions were answered without a model.",
    ),
    "cost-not": w(
        "Tiden for en hel notebook er ikke på post. Kjøringer er gjenkjent på at alt de så er likt, til millisekundet.",
        "The time of a whole notebook is not on record. Executions are told apart by all that they saw, to the millisecond.",
    ),
    "probe-name": w("Sekunder for hver sjekk", "Seconds for each check"),
    "probe-alt": w(
        "For hver sjekk en strek fra median til lengste tid. Aksen er logaritmisk. Lengst median har {slowest}: {median} s.",
        "For each check a line from the median to the longest time, on a logarithmic axis. {slowest} has the longest median: "
        "{median} s.",
    ),
    "count": w("antall", "count"),
    "median": w("median, s", "median, s"),
    "longest": w("lengste, s", "longest, s"),
    "seconds": w("sekunder", "seconds"),
})  # fmt: skip
