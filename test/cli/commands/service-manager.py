"""
Starts `resourcelock run --no-fork` as systemd starts a service of Type=notify behind a socket: argv has the command line.
The command is this file too, with "service" as its first argument. Prints what a manager gets to know.
"""
import os
import socket
import struct
import sys
import tempfile


def serve():
    """The service: its socket is descriptor 3, and it says that it is ready before it serves."""
    assert os.environ["LISTEN_PID"] == str(os.getpid()), "LISTEN_PID is another process"
    assert os.environ["LISTEN_FDS"] == "1"
    listener = socket.socket(fileno=3)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect(os.environ["NOTIFY_SOCKET"])
        notify.send(b"READY=1\nSTATUS=serving")
    connection, _ = listener.accept()
    connection.sendall(os.environ["RESOURCELOCK_NAME"].encode())
    connection.recv(1)


def manage(words):
    directory = tempfile.mkdtemp()
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    notify.bind(f"{directory}/notify")
    notify.settimeout(60)
    listener = socket.create_server(("127.0.0.1", 0))
    pid = os.fork()
    if pid == 0:
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ["NOTIFY_SOCKET"] = f"{directory}/notify"
        os.environ["LISTEN_FDS"] = "1"
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.execvp(words[0], words)
    message, ancillary, _, _ = notify.recvmsg(4096, socket.CMSG_SPACE(12))
    sender, _, _ = struct.unpack("3i", ancillary[0][2])
    print(message.decode().split("\n")[0], "from the main process" if sender == pid else sender)
    client = socket.create_connection(listener.getsockname(), timeout=60)
    print("served under the lock", client.recv(100).decode(), flush=True)
    sys.stdin.readline()
    client.sendall(b"x")
    _, status = os.waitpid(pid, 0)
    print("ended with", os.waitstatus_to_exitcode(status))
    os.unlink(f"{directory}/notify")
    os.rmdir(directory)


if sys.argv[1] == "service":
    serve()
else:
    manage(sys.argv[1:])
