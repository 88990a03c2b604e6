"""The model host and the parent of kernels that all turns of `autograder watch` share."""

from __future__ import annotations

from pathlib import Path

from autograder.course.profile import Profile
from autograder.grading.early_start import first_model, kernels_log
from autograder.grading.model_home import model_home, refuse_without_models
from autograder.host.control import Host, socket_of
from autograder.jail.kernels import Kernels, kept_socket


class Helpers:
    """Both, where every run finds them: those that somebody keeps already, else ours, which end with this process."""

    def __init__(self, course: Path) -> None:
        self._course = course
        self._ours: list[Host | Kernels] = []

    def ready(self, profile: Profile) -> None:
        """Returns when both answer. Raises NotReady where a model is missing, HostLost where one of them does not start."""
        refuse_without_models(profile)
        home = model_home(profile)
        host, kernels = Host.kept(self._course, home), Kernels.kept(self._course, home)
        if host is not None:
            host.end()
        if host is not None and kernels is not None:
            return
        self.end()
        if Host.kept(self._course, home) is None:
            socket = socket_of(self._course, home)
            socket.unlink(missing_ok=True)  # of one that was killed
            self._ours.append(Host.started(self._course, home, shared=True, wait=False, first=first_model(profile)))
        if Kernels.kept(self._course, home) is None:
            self._ours.append(
                Kernels.started(home, kernels_log(self._course), kept_socket(self._course, home), wait=False)
            )
        for one in self._ours:
            one.ready()

    def end(self) -> None:
        while self._ours:
            self._ours.pop().end()
