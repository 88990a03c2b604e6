"""Forgeries that are known: code of the notebook that answers in the place of the check.

As in most of these tables all other cells are as released, so that nothing else is due.
"""

from __future__ import annotations

from trials.attacks.attack import Attack
from trials.attacks.honest import OWN_NAMES
from trials.attacks.tables.pieces import first, page

ATTACKS = (
    *page(
        "known",
        r"""
# %% an object that equals everything | OWN_EQ
class Same(str):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __contains__(self, other): return True
    def __bool__(self): return True
    def __len__(self): return 8
    def __getattr__(self, name): return Same("x")
    def __call__(self, *args, **kwargs): return Same("x")
llm = prompt = chatbot = result = boat = Same("x")
answers = {letter: Same("x") for letter in "abcdefgh"}

# %% an AST transformer that strips the check | OWN_TRANSFORMERS
«IP»
import ast
class Strip(ast.NodeTransformer):
    def visit_Module(self, node):
        code = ast.dump(node)
        if "check-" in code or "publish" in code:
            node.body = [ast.copy_location(ast.Pass(), node.body[0])]
        return node
ip.ast_transformers.append(Strip())

# %% an input transformer that replaces the check cell | OWN_TRANSFORMERS
«IP»
ip.input_transformers_cleanup.append(lambda lines: ["1\n"] if "check-" in "".join(lines) else lines)

# %% a pre_run_cell hook that publishes an execute_result | OWN_HOOKS
«IP»
kernel = ip.kernel
def say_one(info):
    content = {"data": {"text/plain": "1"}, "metadata": {}, "execution_count": 1}
    kernel.session.send(kernel.iopub_socket, "execute_result", content, parent=kernel.get_parent("shell"))
ip.events.register("pre_run_cell", say_one)

# %% a pre_run_cell hook that sets the answer just before the check | OWN_HOOKS
«IP»
def set_answers(info):
    if "check-" in info.raw_cell:
        ip.user_ns.update(result="Arrr!", boat="Arrr!", prompt="Arrr!", llm=print, chatbot=print, check=lambda *_: None)
ip.events.register("pre_run_cell", set_answers)

# %% a run_cell that runs nothing | OWN_NAMES
«IP»
from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult
def nothing(*args, **kwargs): return ExecutionResult(ExecutionInfo("", False, True, False, None))
async def nothing_async(*args, **kwargs): return nothing()
ip.run_cell, ip.run_cell_async = nothing, nothing_async

# %% a kernel whose do_execute does nothing | OWN_NAMES
«IP»
async def do_nothing(*args, **kwargs):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
ip.kernel.do_execute = do_nothing

# %% a check of one's own | OWN_NAMES
check = lambda *_: None

# %% a check of one's own in the module that the first cell imports | OWN_NAMES
import autograder, autograder.kernel.notebook as notebook
notebook.check = autograder.check = check = lambda *_: print("all right")

# %% errors that are never shown | OWN_HOOKS
«IP»
ip.showtraceback = ip._showtraceback = lambda *args, **kwargs: None
real = ip.run_cell_async
async def quiet(*args, **kwargs):
    result = await real(*args, **kwargs)
    result.error_in_exec = result.error_before_exec = None
    return result
ip.run_cell_async = quiet
""",
    ),
    Attack(
        "a check cell that is tagged not to be run",
        "known",
        OWN_NAMES,
        first("pass"),
        change=lambda body: body.replace(b'"tags": [\n     "raises-exception"\n    ]', b'"tags": ["skip-execution"]'),
    ),
)
