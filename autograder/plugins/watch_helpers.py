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
        self._host: Host | None = None
        self._kernels: Kernels | None = None

    def ready(self, profile: Profile) -> None:
        """Returns when both answer. Raises NotReady where a model is missing, HostLost where one of them does not start."""
        refuse_without_models(profile)
        home = model_home(profile)
        host = Host.kept(self._course, home)
        if host is not None:
            host.end()  # lets go of it
        else:
            self._start_host(home, first_model(profile))
        if Kernels.kept(self._course, home) is None:
            self._start_kernels(home)
        for one in (self._host, self._kernels):
            if one is not None:
                one.ready()

    def _start_host(self, home: Path, first: str) -> None:
        if self._host is not None:
            self._host.end()
        socket_of(self._course, home).unlink(missing_ok=True)  # of one that was killed
        self._host = Host.started(self._course, home, shared=True, wait=False, first=first)

    def _start_kernels(self, home: Path) -> None:
        if self._kernels is not None:
            self._kernels.end()
        at = kept_socket(self._course, home)
        self._kernels = Kernels.started(home, kernels_log(self._course), at, wait=False)

    def end(self) -> None:
        """Ends ours. They are started again when they are asked for."""
        for one in (self._host, self._kernels):
            if one is not None:
                one.end()
        self._host = self._kernels = None
