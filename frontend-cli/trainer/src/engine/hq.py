"""Speaks with a HyperQueue server: `SERVER submit NAME FOLDER PROGRAM ARGUMENTS…` prints the job's
number, `SERVER state JOB` how far it is. SERVER is its folder, or empty for the usual one."""

import sys

try:
    from hyperqueue import Client, Job
except ImportError as why:
    sys.exit(str(why))


class Seen(Exception):
    """Ends the waiting after its first look: the package has no other way to ask."""


def submit(client, name, folder, *program):
    job = Job(max_fails=0, name=name)
    errors = f"{folder}/errors"
    job.program(list(program), cwd=folder, stdout=None, stderr=errors, name=name)
    print(client.submit(job).id)


def state(client, job):
    seen = {}

    def look(jobs):
        seen.update(jobs)
        raise Seen()

    try:
        client.connection.wait_for_jobs([int(job)], look)
    except Seen:
        pass
    status = seen.get(int(job))
    print("running" if status and not status["completed"] else "ended")


if __name__ == "__main__":
    server, what, *rest = sys.argv[1:]
    try:
        {"submit": submit, "state": state}[what](Client(server or None), *rest)
    except RuntimeError as why:
        # What follows are the package's own frames.
        sys.exit(str(why).splitlines()[0])
