# SPDX-License-Identifier: Apache-2.0
"""Runs bqferry: what it said, how it ended, and what its report says."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]

EXIT = {"ok": 0, "failed": 1, "config": 2, "source": 3, "target": 4, "data": 5, "verify": 6,
        "locked": 7}


def find_program():
    """BQFERRY_BIN or BQFERRY when set, else what is built: debug (it has fault points) first."""
    for name in ("BQFERRY_BIN", "BQFERRY"):
        if os.environ.get(name):
            return Path(os.environ[name]).resolve()
    for preset in ("debug", "release"):
        path = ROOT / "build" / preset / "bqferry"
        if path.exists():
            return path
    return ROOT / "build/debug/bqferry"


def find_release():
    path = Path(os.environ.get("BQFERRY_RELEASE") or ROOT / "build/release/bqferry").resolve()
    return path if path.exists() else None


def clean_environment(home, **more):
    """No PG* variables, no configuration of the person who runs the tests; None removes a variable."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(home),
                   "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu",
                   "ASAN_OPTIONS": "abort_on_error=0:exitcode=99:detect_leaks=1",
                   "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
                   "TSAN_OPTIONS": f"exitcode=99:halt_on_error=1:suppressions={ROOT}/tools/tsan.supp"}
    library = os.environ.get("BQFERRY_DUCKDB_LIBRARY") or ROOT / ".deps/duckdb/libduckdb.so"
    if Path(library).exists():
        environment["BQFERRY_DUCKDB_LIBRARY"] = str(library)
    environment.update({name: str(value) for name, value in more.items()})
    return {name: value for name, value in environment.items() if value != "None"}


class Result:
    """One finished run of the program."""

    def __init__(self, command, code, stdout, stderr, report_path=None):
        self.command = command
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        self._report_path = report_path

    @property
    def killed(self):
        return self.code == -signal.SIGKILL

    @property
    def text(self):
        return self.stdout + self.stderr

    @property
    def report(self):
        assert self._report_path and self._report_path.exists(), f"no report was written\n{self}"
        return json.loads(self._report_path.read_text())

    def job(self, name=None):
        """One job of the report; the only one when no name is given."""
        jobs = self.report["jobs"]
        if name is None:
            assert len(jobs) == 1, f"not one job: {[job['job'] for job in jobs]}"
            return jobs[0]
        found = [job for job in jobs if job["job"] == name]
        assert len(found) == 1, f"no job {name} in {[job['job'] for job in jobs]}"
        return found[0]

    def json(self):
        return json.loads(self.stdout)

    def __str__(self):
        return (f"$ {' '.join(map(str, self.command))}\nexit code {self.code}\n"
                f"--- stdout\n{self.stdout[-6000:]}\n--- stderr\n{self.stderr[-6000:]}")


def check_sane(result):
    """What holds for every run, whatever it was asked."""
    for word in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:"):
        assert word not in result.stderr, str(result)
    assert result.code == -signal.SIGKILL or 0 <= result.code <= 7, str(result)


class Running:
    """A run that goes on while the test does something else."""

    def __init__(self, process, command, timeout, report_path):
        self.process = process
        self.command = command
        self.timeout = timeout
        self.report_path = report_path
        self.pid = process.pid
        self.drained = None

    def peak_memory(self):
        """Waits for the end, and gives the most memory the process held, in bytes."""
        peak = 0
        output = threading.Thread(target=self._drain, daemon=True)
        output.start()
        while self.running():
            peak = max(peak, self._high_water())
            time.sleep(0.005)
        output.join()
        return peak

    def _high_water(self):
        try:
            with open(f"/proc/{self.pid}/status") as status:
                return next((int(line.split()[1]) * 1024 for line in status
                             if line.startswith("VmHWM:")), 0)
        except (FileNotFoundError, ProcessLookupError):
            return 0

    def _drain(self):
        self.drained = self.process.communicate()

    def signal(self, number):
        self.process.send_signal(number)

    def running(self):
        return self.process.poll() is None

    def wait(self, timeout=None):
        try:
            stdout, stderr = self.drained or self.process.communicate(timeout=timeout or self.timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            stdout, stderr = self.process.communicate()
            result = Result(self.command, None, stdout, stderr)
            raise AssertionError(f"still running after {timeout or self.timeout} s\n{result}") from None
        result = Result(self.command, self.process.returncode, stdout, stderr, self.report_path)
        check_sane(result)
        return result


class Program:
    """bqferry in a working folder of its own."""

    def __init__(self, folder, binary=None):
        self.binary = Path(binary or find_program())
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.home = self.folder / "home"
        self.home.mkdir(exist_ok=True)
        self._runs = 0
        self.children = []

    def write_config(self, config, name="bqferry.yaml"):
        """A configuration from a dict, where jobs append unless they say otherwise, or from its text."""
        path = self.folder / name
        if isinstance(config, dict) and "jobs" in config:
            config = {**config, "defaults": {"load": "append", **config.get("defaults", {})}}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(config if isinstance(config, str)
                        else yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
        return path

    def start(self, *arguments, timeout=60, env=None, cwd=None, fault=None, **options):
        self._runs += 1
        arguments = [str(word) for word in arguments]
        report = None
        if arguments and arguments[0] in ("run", "copy") and "--report" not in arguments:
            report = self.folder / f"report-{self._runs}.json"
            arguments += ["--report", str(report)]
        command = [str(self.binary), *arguments]
        environment = clean_environment(self.home, **(env or {}))
        if fault:
            environment["BQFERRY_FAULT"] = fault
        process = subprocess.Popen(command, cwd=cwd or self.folder, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, errors="replace", **options)
        running = Running(process, command, timeout, report)
        self.children.append(running)
        return running

    def __call__(self, *arguments, **options):
        return self.start(*arguments, **options).wait()

    def ok(self, *arguments, **options):
        """The same, and it has to end well."""
        result = self(*arguments, **options)
        assert result.code == 0, str(result)
        return result

    def fails(self, kind, *arguments, **options):
        """The same, and it has to end with that exit code and say why."""
        result = self(*arguments, **options)
        assert result.code == EXIT[kind], f"wanted exit code {EXIT[kind]} ({kind})\n{result}"
        assert result.stderr.strip(), f"failed without a word\n{result}"
        return result

    def close(self):
        for child in self.children:
            if child.running():
                child.process.kill()
                child.process.wait()
