"""Threads that wait in the ways that threads wait; they dump themselves: python3 threads.py 2> threads.txt"""

import concurrent.futures
import faulthandler
import queue
import socket
import threading
import time

lock = threading.Lock()
lock.acquire()
never = threading.Event()
jobs = queue.Queue()


def take():
    jobs.get()


def acquire():
    with lock:
        pass


def read(conn):
    conn.recv(1)


ours, _theirs = socket.socketpair()
waiting = [
    threading.Thread(target=take, daemon=True),
    threading.Thread(target=acquire, daemon=True),
    threading.Thread(target=acquire, daemon=True),
    threading.Thread(target=never.wait, daemon=True),
    threading.Thread(target=read, args=(ours,), daemon=True),
]
for thread in waiting:
    thread.start()
pool = concurrent.futures.ThreadPoolExecutor(1)
pool.submit(lambda: None).result()
time.sleep(0.2)
faulthandler.dump_traceback(all_threads=True)
