"""Attempts to get out of the box, one for each name: `escapes.py NAME ARGUMENT`.

An attempt that works ends with exit code 0, one that does not with 1 and the reason.
"""

import ctypes
import fcntl
import mmap
import os
import pty
import signal
import socket
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
NEWUSER = 0x10000000


def call(number, *arguments):
    """A system call by its number on x86-64."""
    wide = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def tcp(port):
    socket.create_connection(("127.0.0.1", int(port)), 5).sendall(b"secret")


def udp_dns(_):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"secret", ("127.0.0.53", 53))


def ipv6(_):
    socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)


def unix_socket(path):
    """Such as docker.sock, the bus, or systemd's."""
    socket.socket(socket.AF_UNIX).connect(path)


def abstract_socket(name):
    socket.socket(socket.AF_UNIX).connect("\0" + name)


def netlink(_):
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)


def packet(_):
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


def vsock(_):
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)


def inherited_socket(number):
    os.write(int(number), b"secret")


def io_uring(_):
    call(425, 1, ctypes.create_string_buffer(120))


def x32_call(_):
    """The call for a socket with the number that x32 programs use."""
    call(0x40000000 | 41, socket.AF_INET, socket.SOCK_STREAM, 0)


def other_signal(process):
    os.kill(int(process), 0)


def trace(_):
    child = os.fork()
    if child == 0:
        signal.pause()
    try:
        call(101, 16, child, 0, 0)
    finally:
        os.kill(child, signal.SIGKILL)


def read_memory(process):
    """Of the process that started this one; its first page need not be there."""
    data = ctypes.create_string_buffer(b"secret")
    local = (ctypes.c_size_t * 2)(ctypes.addressof(data), 6)
    call(310, os.getpid(), local, 1, local, 1, 0)


def environment_of_others(process):
    with open(f"/proc/{process}/environ", "rb") as file:
        file.read()


def own_files(_):
    os.listdir("/proc/self/fd")


def environment(_):
    os.environ["DEML_ESCAPE_SECRET"]


def read_file(path):
    with open(path, "rb") as file:
        file.read()


def write_file(path):
    with open(path + ".written", "wb") as file:
        file.write(b"secret")


def shared_memory(_):
    path = f"/dev/shm/deml-escape-{os.getpid()}"
    with open(path, "wb") as file:
        file.write(b"secret")
    os.unlink(path)


def system_v_memory(_):
    key = call(29, 0, 4096, 0o1600)
    call(31, key, 0, 0)


def namespace(_):
    call(272, NEWUSER)


def clone3(_):
    """Its flags are in memory, where a filter cannot see them."""
    arguments = ctypes.create_string_buffer(struct.pack("<11Q", NEWUSER, 0, 0, 0, 17, *[0] * 6))
    child = call(435, arguments, 88)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def mount(_):
    call(272, 0x00020000)
    call(165, b"x", b"/tmp", b"tmpfs", 0, None)


def memory_file(_):
    """A program without a path."""
    file = os.memfd_create("program")
    with open("/bin/true", "rb") as program:
        os.write(file, program.read())
    os.execve(file, ["true"], {})


def keys(_):
    call(248, b"user", b"deml", b"secret", 6, -2)


def trace_points(_):
    call(298, ctypes.create_string_buffer(struct.pack("<2I15Q", 1, 128, 0, *[0] * 14)), 0, -1, -1, 0)


def programs_in_the_kernel(_):
    call(321, 0, ctypes.create_string_buffer(struct.pack("<4I", 2, 4, 4, 1) + bytes(112)), 128)


def page_faults(_):
    os.close(call(323, 1))


def typing(_):
    """For whoever has the terminal."""
    _, terminal = pty.openpty()
    os.setsid()
    fcntl.ioctl(terminal, 0x540E, 0)
    fcntl.ioctl(terminal, 0x5412, b"x")


def device(_):
    with open("/dev/kmsg", "rb"):
        pass


def pipe_file(folder):
    os.mkfifo(os.path.join(folder, "pipe"))


def sparse_file(folder):
    with open(os.path.join(folder, "sparse"), "wb") as file:
        file.truncate(1 << 40)


def many_files(folder):
    for number in range(20_000):
        open(os.path.join(folder, str(number)), "wb").close()


def many_bytes(folder):
    with open(os.path.join(folder, "full"), "wb") as file:
        for _ in range(80):
            file.write(bytes(1 << 20))


def many_processes(_):
    children = []
    try:
        for _ in range(200):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


def much_memory(_):
    mmap.mmap(-1, 3 << 30)


def memory_of_many(_):
    """Each process takes little enough, all of them together too much."""
    read, write = os.pipe()
    children = []
    try:
        for _ in range(6):
            child = os.fork()
            if child == 0:
                os.close(read)
                held = b"x" * (300 << 20)
                os.write(write, b"." if held else b"")
                signal.pause()
            children.append(child)
        os.close(write)
        for _ in children:
            if not os.read(read, 1):
                raise MemoryError("a child has none")
        time.sleep(1)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    try:
        globals()[sys.argv[1]](sys.argv[2])
    except (OSError, KeyError, MemoryError, AttributeError) as why:
        print(type(why).__name__, why, file=sys.stderr)
        sys.exit(1)
