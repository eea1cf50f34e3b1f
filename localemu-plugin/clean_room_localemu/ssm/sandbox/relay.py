"""The only way out of the network namespace: connections accepted inside, made again outside to LocalEmu."""

import socket
import threading


def serve(listener: socket.socket, port: int) -> None:
    """Relays each connection to the port of the loopback interface, until the process ends. A socket stays in the namespace that made it."""
    while True:
        try:
            inside, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_relay, args=(inside, port), daemon=True).start()


def _relay(inside: socket.socket, port: int) -> None:
    try:
        outside = socket.create_connection(("127.0.0.1", port))
    except OSError:
        inside.close()
        return
    back = threading.Thread(target=_copy, args=(outside, inside), daemon=True)
    back.start()
    _copy(inside, outside)
    back.join()
    inside.close()
    outside.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until the source has no more; tells the target."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one side has gone
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
