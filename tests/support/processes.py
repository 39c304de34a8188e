# SPDX-License-Identifier: Apache-2.0
"""Servers that the tests start: as an ordinary user, ended with the test run whatever happens."""

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server_user():
    """The passwd entry that servers run as: root may not run PostgreSQL, others run it themselves."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("running as root, and there is neither a user postgres nor a user nobody")


def as_server_user():
    """Keyword arguments for subprocess that drop root's rights."""
    if os.getuid() != 0:
        return {}
    user = server_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def own_folder(path):
    """Makes a folder that the servers' user may write."""
    path.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0:
        user = server_user()
        os.chown(path, user.pw_uid, user.pw_gid)
    return path


def _end_with_parent(number):
    def prepare():
        _libc.prctl(PR_SET_PDEATHSIG, number)
    return prepare


class Daemon:
    """A child process that logs into a file and ends with `stop_signal`, or with this process."""

    def __init__(self, command, log, stop_signal=signal.SIGTERM, env=None):
        self.log = log
        self.stop_signal = stop_signal
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=env, cwd="/",
                preexec_fn=_end_with_parent(stop_signal), **as_server_user())

    def alive(self):
        return self.process.poll() is None

    def wait_for(self, ready, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive() or time.monotonic() > deadline:
                with open(self.log, errors="replace") as log:
                    text = log.read()[-3000:]
                self.stop()
                raise RuntimeError(f"{what} did not start:\n{text}")
            time.sleep(0.02)

    def stop(self, number=None, seconds=30):
        if self.process.poll() is None:
            self.process.send_signal(number or self.stop_signal)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def wait_until(condition, what, seconds=30, every=0.02):
    """Polls until `condition` gives something true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(every)
