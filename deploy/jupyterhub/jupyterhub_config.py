"""JupyterHub's settings for one machine. Names come from course.toml, folders from LLM_HUB; see README.md beside this file.

LLM_HUB: the folder that `prepare.py` has laid out, with the software, this file and the settings by role.
LLM_HUB_URL: where the hub answers; http://127.0.0.1:8000 when unset. The three ports after it are the hub's own.
LLM_HUB_DOMAIN: the hub's address as browsers see it (`https://hub.example.org`, or a bare name for plain HTTP on the hub's
port), where every name below it leads to the hub too: then each server has a name, and so an origin, of its own.
"""

import os
from pathlib import Path
from urllib.parse import urlparse

from tornado.web import RequestHandler

from autograder.course.profile import Hub
from autograder.judging.contract import load

c = get_config()  # noqa: F821

HUB = Path(os.environ.get("LLM_HUB", "/opt/llm-hub"))
URL = os.environ.get("LLM_HUB_URL", "http://127.0.0.1:8000")
PORT = urlparse(URL).port or 8000
DOMAIN = os.environ.get("LLM_HUB_DOMAIN", "")
PROFILE = load(HUB / "state" / "course.toml")
PEOPLE, COURSE, GRADER = PROFILE.hub or Hub(), PROFILE.course.id, PROFILE.grader_of()
STAFF = {*PEOPLE.instructors, *PEOPLE.graders}
SINGLE_USER = [str(HUB / "venv" / "bin" / "jupyterhub-singleuser")]


def environment(role: str) -> dict[str, str]:
    """What a server is started with: the software, and nbgrader's extensions of a role ("student", "staff", "grader")."""
    models = HUB / "models"
    own = {"AUTOGRADER_MODEL_HOME": str(models)} if models.exists() else {}
    gpu = {} if Path("/dev/nvidia0").exists() else {"AUTOGRADER_VIRTUAL_GPU": "1"}
    framed = f"{HUB}/etc/framed:" if DOMAIN and role == "grader" else ""
    return {
        "PATH": f"{HUB}/venv/bin:/usr/local/bin:/usr/bin:/bin",
        "JUPYTER_CONFIG_PATH": f"{framed}{HUB}/etc/{role}:{HUB}/etc/all",
        **own,
        **gpu,
    }


# --- The hub and its proxy ---
c.JupyterHub.bind_url = URL
c.JupyterHub.hub_port = PORT + 1
if DOMAIN:
    c.JupyterHub.subdomain_host = DOMAIN if "//" in DOMAIN else f"http://{DOMAIN}:{PORT}"
    # a name below the domain cannot then set a cookie that the hub, or another server, takes for its own
    c.JupyterHub.cookie_host_prefix_enabled = DOMAIN.startswith("https:")
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PORT + 2}"
c.ConfigurableHTTPProxy.command = [str(HUB / "proxy" / "node_modules" / ".bin" / "configurable-http-proxy")]
c.JupyterHub.db_url = f"sqlite:///{HUB}/state/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{HUB}/state/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{HUB}/state/proxy.pid"


# --- What students are told of what is stored: a page, and a link to it on each of the hub's ---
class WhatIsStored(RequestHandler):
    def get(self) -> None:
        self.finish((HUB / "etc" / "what-is-stored.html").read_text(encoding="utf-8"))


TOLD = {"nb": "Hva som lagres om deg, og hvem som bestemmer", "en": "What is stored about you, and who decides"}
c.JupyterHub.extra_handlers = [("/what-is-stored", WhatIsStored)]
address = f"{urlparse(URL).path.rstrip('/')}/hub/what-is-stored"
ONE_ORIGIN = {
    "nb": "Alle tjenere her deler én adresse: en side fra en annens tjener kan handle som deg. Åpne ikke lenker til andres.",
    "en": "All servers here share one address: a page from somebody else's server can act as you. Open no links to others'.",
}
shared = "" if DOMAIN else f"<br>{ONE_ORIGIN[PROFILE.course.language]}"
c.JupyterHub.template_vars = {"announcement": f'<a href="{address}">{TOLD[PROFILE.course.language]}</a>{shared}'}

# --- Who may log in: the machine's accounts, with the machine's passwords ---
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.open_sessions = False  # needs more of a machine than a hub does
c.Authenticator.allowed_users = STAFF | set(PEOPLE.students)
c.Authenticator.admin_users = set(PEOPLE.instructors)
c.JupyterHub.load_groups = {
    f"formgrade-{COURSE}": {"users": sorted(STAFF | {GRADER})},
    f"nbgrader-{COURSE}": {"users": sorted(PEOPLE.students)},
}

# --- Everybody's own server ---
c.JupyterHub.spawner_class = "localprocess"
c.Spawner.cmd = SINGLE_USER
c.Spawner.default_url = "/lab"
c.Spawner.disable_user_config = True  # a server is what this file says, whatever lies in its owner's home
c.Spawner.start_timeout = c.Spawner.http_timeout = 120


def by_role(spawner) -> None:
    spawner.environment = environment("staff" if spawner.user.name in STAFF else "student")


c.Spawner.pre_spawn_hook = by_role

# --- Formgrader: a server of the grader's, open to the staff; and grading on hand-in, which has no pages of its own ---
as_grader = {
    "user": GRADER,
    "cwd": os.path.expanduser(f"~{GRADER}/{COURSE}"),
    "environment": {**environment("grader"), "HOME": os.path.expanduser(f"~{GRADER}")},
}
c.JupyterHub.services = [
    {
        **as_grader,
        "name": COURSE,
        "url": f"http://127.0.0.1:{PORT + 3}",
        "command": SINGLE_USER,
        "oauth_no_confirm": True,
    },
    {**as_grader, "name": f"{COURSE}-watch", "command": [str(HUB / "venv" / "bin" / "autograder"), "watch"]},
]
service = f"service={COURSE}"
c.JupyterHub.load_roles = [
    {  # of the token in each server, which any notebook that is run there can read: an administrator's may do no more
        "name": "server",
        "scopes": [
            "users:activity!user",
            "access:servers!server",
            "read:users!user",
            "list:services",
            "read:services",  # nbgrader asks for groups and courses
        ],
    },
    {
        "name": "staff",
        "scopes": [f"access:services!{service}", f"list:services!{service}", f"read:services!{service}"],
        "groups": [f"formgrade-{COURSE}"],
    },
    {
        "name": "formgrader",  # lists and enrols students
        "scopes": ["groups", "admin:groups", "list:users", "read:users", "list:services", "read:services"],
        "services": [COURSE],
    },
]
