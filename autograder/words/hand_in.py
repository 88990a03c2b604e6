"""What is told of a submission when it is handed in, and when it is collected."""

from __future__ import annotations

from autograder.words.tables import Table, w

HAND_IN = Table("hand-in", {
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
        "«{name}»: tekstsvar som ikke er skrevet ennå: {n} ({cells}).",
        "«{name}»: text answers not written yet: {n} ({cells}).",
    ),
    "no-code": w(
        "«{name}»: oppgaver som ikke er besvart ennå: {n} ({cells}).",
        "«{name}»: tasks not answered yet: {n} ({cells}).",
    ),
    "nothing-run": w(
        "«{name}»: ingen celler er kjørt, eller all utskrift er tømt. Kjør alle celler, lagre, og lever på nytt.",
        "«{name}»: no cell has been run, or all output was cleared. Run all cells, save, and hand in again.",
    ),
    "not-run": w(
        "«{name}»: celler som ikke er kjørt: {n} ({cells}). Kjør alle celler fra toppen, og lagre.",
        "«{name}»: cells not run: {n} ({cells}). Run all cells from the top, and save.",
    ),
    "out-of-order": w(
        "«{name}»: cellene er ikke kjørt i rekkefølge. Start kjernen på nytt, kjør alle celler, og se at det går bra.",
        "«{name}»: the cells were not run in order. Restart the kernel, run all cells, and see that it goes well.",
    ),
    # When it was handed in: a student reads these, and so do the graders
    "due": w("Fristen er {due}.", "The deadline is {due}."),
    "in-time": w("Levert {when}. Fristen var {due}.", "Handed in {when}. The deadline was {due}."),
    "covered": w(
        "Levert {when}, innen utsatt frist {until}. Fristen for alle var {due}.",
        "Handed in {when}, within the extended deadline {until}. Everybody's deadline was {due}.",
    ),
    "late": w("Levert {when}, {by} etter fristen {due}.", "Handed in {when}, {by} after the deadline {due}."),
    "late-extended": w(
        "Levert {when}, {by} etter utsatt frist {until}. Fristen for alle var {due}.",
        "Handed in {when}, {by} after the extended deadline {until}. Everybody's deadline was {due}.",
    ),
    "late-kind": w(
        "Alt er tatt imot, og blir rettet som ellers. Har kurset gitt deg lengre frist, er det den som gjelder. "
        "Hadde du en grunn, si fra til kurset.",
        "All of it has been received, and is graded as usual. If the course gave you more time, that is what counts. "
        "If you had a reason, tell the course.",
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
    "unfinished": w(
        "En levering er underveis. Den er ikke hentet ennå; hent igjen om litt.",
        "A hand-in is on its way. It has not been collected yet; collect again in a while.",
    ),
    "gone": w(
        "{name} kunne ikke hentes ({error}). Hent igjen.",
        "{name} could not be collected ({error}). Collect again.",
    ),
    "no-release": w(
        "Tilbakemeldingen i {folder} er ikke delt ut: leveringen har ingen submission_secret.txt. Be studenten levere på nytt.",
        "The feedback in {folder} was not released: the hand-in has no submission_secret.txt. Ask the student to hand in again.",
    ),
    "changed": w(
        "Leveringen sier {when}, men ble sist endret {changed}. Fristen bør vurderes av en person.",
        "The submission says {when}, but was last changed {changed}. A person should decide about the deadline.",
    ),
})  # fmt: skip
