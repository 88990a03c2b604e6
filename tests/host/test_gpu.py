"""On a machine with a real GPU: the model is really loaded on it, and the virtual GPU stays away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course.profile import FROZEN_NAME, Profile


def has_gpu() -> bool:
    """Asked of a process of its own: in this one a virtual GPU may be on."""
    code = "import torch; print(torch.cuda.is_available())"
    return "True" in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


CODE = """
import json
from pathlib import Path
from autograder.judging.contract import task_of, load
from autograder.kernel.selfcheck import Session

session = Session({{"__name__": "__main__"}}, Path({folder!r}))
session.begin()
profile = session.profile
import torch
from langchain_community.llms import HuggingFacePipeline
exec("llm = HuggingFacePipeline.from_model_id('" + profile.models.base.name + "', 'text-generation', device=0)",
     {{"HuggingFacePipeline": HuggingFacePipeline}}, session.namespace)
llm = session.namespace["llm"]
llm.invoke("Ahoy")
verdict = session.verdict(task_of("check-load-model", profile))
print(json.dumps([str(llm.pipeline.model.device), torch.cuda.memory_allocated() > 0, verdict.score,
                  session.probe.gather(task_of("check-load-model", profile)).gpu]))
"""


@pytest.mark.gpu
def test_a_model_is_really_loaded_on_the_gpu(tiny_home: Path, llama: Profile, tmp_path: Path) -> None:
    if not has_gpu():
        pytest.skip("there is no GPU on this machine")
    (tmp_path / FROZEN_NAME).write_text(llama.freeze().to_json(), encoding="utf-8")
    code = CODE.format(folder=str(tmp_path))
    env = {**os.environ, "AUTOGRADER_MODEL_HOME": str(tiny_home)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == '["cuda:0", true, 3.0, "real"]'
