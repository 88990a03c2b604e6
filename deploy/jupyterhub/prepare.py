"""Lays out a course on this machine for jupyterhub_config.py: accounts, folders and their permissions, settings by role.

    prepare.py --folder /opt/llm-hub --course . [--models .models]

Run as root, with the Python of the hub's virtual environment. It can be run again: what is there stays as it is, but for
the settings, which follow course.toml. Software is not its business: see install.sh.
"""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path

from nbconvert.filters import markdown2html

from autograder.course.profile import Hub, Profile
from autograder.judging.contract import load

HERE = Path(__file__).resolve().parent
PRIVACY = HERE.parent.parent / "docs" / "privacy.md"
FOR_THE_COURSE = "## For the course"
PAGE = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 1rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border: 1px solid #888; padding: .3rem .5rem; text-align: left; vertical-align: top; hyphens: auto; }}
@media (max-width: 32rem) {{
  h1 {{ font-size: 1.4rem; }}
  table {{ font-size: .75rem; table-layout: fixed; }}
  th, td {{ padding: .2rem .3rem; overflow-wrap: break-word; }}
  th:first-child {{ width: 30%; }} th:nth-child(3) {{ width: 15%; }}
}}
a.anchor-link {{ display: none; }}
</style>
</head>
<body>
<main>
{parts}
</main>
</body>
</html>
"""
SETTINGS = """\
from autograder.plugins.exchange import through_the_hub

c = get_config()
through_the_hub(c, {course!r}, {exchange!r}, {language!r})
"""


def prepare(folder: Path, course: Path, models: Path | None) -> None:
    """See the head of this file.

    Args:
        folder: the hub's folder.
        course: has course.toml, nbgrader_config.py and source/.
        models: a Hugging Face home to copy, for a machine where the profile's is not there.
    """
    profile = load(course / "course.toml")
    people = profile.hub or Hub()
    folder.mkdir(parents=True, exist_ok=True)
    passwords = folder / "state" / "passwords"
    passwords.parent.mkdir(mode=0o700, exist_ok=True)
    for name in (*people.instructors, *people.graders, *people.students):
        if make_account(name):
            set_password(name, passwords)
        close_home(name)
    make_account(profile.grader_of())  # without a password: nobody logs in as it
    close_home(profile.grader_of())
    make_exchange(Path(people.exchange))
    shutil.copy(course / "course.toml", passwords.parent)  # holds the key of a task, and so is root's alone
    write_settings(folder / "etc", profile)
    if models is not None and not Path(profile.models.home).exists():
        copy_for_all(models, folder / "models")
    make_course(Path(home_of(profile.grader_of()), profile.course.id), course, profile.grader_of())
    print(f"accounts: {', '.join((*people.instructors, *people.graders, *people.students))}")
    if passwords.exists():
        print(f"passwords of the accounts made here: {passwords}")


def home_of(name: str) -> str:
    return pwd.getpwnam(name).pw_dir


def make_account(name: str) -> bool:
    """Makes an account that is not there. Answers whether it did."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
        return True
    return False


def set_password(name: str, kept: Path) -> None:
    """Gives an account a password, and writes it where only root reads it."""
    password = secrets.token_urlsafe(9)
    subprocess.run(["chpasswd"], input=f"{name}:{password}\n", text=True, check=True)
    with open(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(f"{name} {password}\n")


def close_home(name: str) -> None:
    """Nobody looks into somebody else's home: submissions are there, and feedback."""
    os.chmod(home_of(name), 0o700)


def make_exchange(path: Path) -> None:
    """Everybody writes in it, and only an owner renames or removes: with 0777 a student could put another course there."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o1777)


def write_settings(to: Path, profile: Profile) -> None:
    """The settings by role, and what all have in common."""
    shutil.copytree(HERE / "etc", to, dirs_exist_ok=True)
    (to / "grader" / "jupyter_server_config.json").unlink(
        missing_ok=True
    )  # earlier versions let any server frame Formgrader
    shutil.copy(HERE / "jupyterhub_config.py", to / "jupyterhub_config.py")
    exchange = (profile.hub or Hub()).exchange
    text = SETTINGS.format(course=profile.course.id, exchange=exchange, language=profile.course.language)
    (to / "all" / "nbgrader_config.py").write_text(text, encoding="utf-8")
    page = privacy_page(PRIVACY.read_text(encoding="utf-8"), profile.course.language)
    (to / "what-is-stored.html").write_text(page, encoding="utf-8")
    open_to_all(to)


def privacy_page(markdown: str, language: str) -> str:
    """What students are told of what is stored, as a page, the course's language first.

    Args:
        markdown: docs/privacy.md: a part in Norwegian, one in English, and one for the course, which is left out.
        language: "nb" or "en".
    """
    norwegian, english = markdown.partition(FOR_THE_COURSE)[0].split("\n# ")
    parts = {"nb": norwegian, "en": f"# {english}"}
    order = sorted(parts, key=lambda part: part != language)
    html = "\n".join(f'<section lang="{part}">\n{markdown2html(parts[part])}\n</section>' for part in order)
    title = parts[language].splitlines()[0].removeprefix("# ")
    return PAGE.format(language=language, title=title, parts=html)


def open_to_all(folder: Path) -> None:
    """Everybody may read it, and only its owner may change it."""
    subprocess.run(["chmod", "-R", "a+rX,go-w", str(folder)], check=True)


def copy_for_all(source: Path, to: Path) -> None:
    """Copies a folder that is not there yet."""
    if not to.exists():
        shutil.copytree(source, to, symlinks=True)
        open_to_all(to)


def make_course(root: Path, course: Path, grader: str) -> None:
    """The course directory, as the grader's own. What an instructor has changed in it stays."""
    root.mkdir(mode=0o700, exist_ok=True)
    for name in ("course.toml", "nbgrader_config.py", "source"):
        if (root / name).exists():
            continue
        if (course / name).is_dir():
            shutil.copytree(course / name, root / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        else:
            shutil.copy(course / name, root / name)
    subprocess.run(["chown", "-R", f"{grader}:", str(root)], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=Path("/opt/llm-hub"))
    parser.add_argument("--course", type=Path, default=Path())
    parser.add_argument("--models", type=Path, default=None)
    given = parser.parse_args()
    prepare(given.folder.resolve(), given.course.resolve(), given.models.resolve() if given.models else None)
