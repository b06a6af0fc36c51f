"""A client of PD's HTTP/2: each unit of work is one PING and its answer. It prints its threads' stacks on SIGUSR1.

A worker thread does the work. Without "redial" it ends at its first error and tells nobody: the main thread then waits
for ever.
"""

import faulthandler
import signal
import socket
import struct
import sys
import threading
import time

PING, ACK = 6, 1


def frame(kind, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, 0]) + b"\0\0\0\0" + payload


class Link:
    def __init__(self, addr, patience):
        host, port = addr.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=patience)
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, b""))

    def read(self, length):
        got = b""
        while len(got) < length:
            more = self.socket.recv(length - len(got))
            if not more:
                raise EOFError("the connection ended")
            got += more
        return got

    def ping(self, number):
        payload = struct.pack(">Q", number)
        self.socket.sendall(frame(PING, payload))
        while True:
            head = self.read(9)
            answer = self.read(int.from_bytes(head[:3], "big"))
            if head[3] == PING and head[4] & ACK and answer == payload:
                return


def work(addr, rows, redial, finished):
    link, number = None, 1
    while number <= rows:
        try:
            link = link or Link(addr, 0.2)
            link.ping(number)
        except (OSError, EOFError) as error:
            print("no answer:", error, file=sys.stderr)
            if not redial:
                return
            link = None
            time.sleep(0.2)
            continue
        print(f"rows {number}/{rows}", flush=True)
        number += 1
        time.sleep(0.01)
    finished.set()


def wait_for_workers(finished):
    finished.wait()


def main():
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    finished = threading.Event()
    arguments = sys.argv[1].split(",")[0], int(sys.argv[2]), "redial" in sys.argv, finished
    threading.Thread(target=work, args=arguments, daemon=True).start()
    wait_for_workers(finished)


main()
