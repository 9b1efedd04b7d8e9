"""A HyperQueue server, or a worker of one, until standard input closes: `server FOLDER`, `worker
FOLDER SERVER`. Its package starts workers within the server's process; one that can be lost alone
is in a process of its own, which has a server too that nobody uses."""

import os
import sys

from hyperqueue.ffi.cluster import Cluster

role, folder, *server = sys.argv[1:]
cluster = Cluster(folder)
if role == "worker":
    access = os.path.join(folder, "hq-current")
    os.remove(access)
    os.symlink(os.path.realpath(os.path.join(server[0], "hq-current")), access)
    cluster.add_worker(1)
print("up", flush=True)
sys.stdin.read()
os._exit(0)
