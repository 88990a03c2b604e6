"""Notebooks run on a cluster with Dask: the other side of the seam `grading/notebook_runs.py`.

Three processes. The grader reads, repairs, keys, remembers, judges and saves, as on one machine; of a notebook that must be run
it sends a `Parcel` (`parcel.py`) and waits for an `Answer`: `cluster_runs` decides who is asked again, and when that is given
up. The scheduler passes both on: for `--slurm` it runs inside the grader's process (`slurm.py`), else it is somebody's
(`running.py`). A worker (`worker.py`), one for each machine or GPU, has a model host and a parent of kernels of its own, in its
private folder; they end with it. It never sees gradebook, records, names of students, or what is remembered.

`place` says where a run goes, `runs` makes what runs it there, in a folder of its own. `cluster_runs`, `running`, `slurm` and
`worker` alone know Dask, and are imported only where a run goes to a cluster: nobody else needs it.

Runs in: the grader's process; `worker` in a worker's.
Imports: the layers below; Dask (`distributed`, `dask_jobqueue`), the extra `cluster`.
Read by students: yes, the code.
"""
