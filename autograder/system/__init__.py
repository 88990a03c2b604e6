"""What the rest needs of the machine: helper processes, a cache on disk, and word of a module's first import.

Runs in every process. May import `errors` alone; knows no course, no notebook and no model. In a student's environment, and
readable there.
"""
