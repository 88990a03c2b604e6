"""What several processes need of the machine, and nothing of the course: helper processes, texts on disk, hooks on imports.

`daemons` starts a helper process, waits until it is ready, and ends it with its owner. `disk_cache` keeps texts by key,
sealed, bounded, written whole or not at all; what is damaged counts as forgotten. `imports` speeds large imports up.
`import_hooks` runs a function right after a module's first import, and imports nothing itself.

Runs in: the grader's process, the model host, the parent of kernels; `import_hooks` in kernels too.
Imports: `errors`; the standard library.
Read by students: yes, the code. The folders that it writes are out of a kernel's sight.
"""
