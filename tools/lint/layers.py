#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""layers.py [ROOT]: who may include whom.

- A folder of src/ includes only itself and the folders below it in src/layers.txt; source/ and
  target/ do not know each other.
- The files of a driver (source/postgres/, state/file/, ...) are named by that driver and by main.c.
- A third-party header is included in one folder only.
"""

import re
import sys
from pathlib import Path

APART = {("source", "target"), ("target", "source")}

THIRD_PARTY = {  # header (a prefix when it ends in /) -> the one folder that may include it
    "libpq-fe.h": "source/postgres",
    "mysql.h": "source/mysql",
    "ma_pvio.h": "source/mysql",
    "errmsg.h": "source/mysql",
    "duckdb.h": "target/duckdb",
    "jansson.h": "format",
    "yaml.h": "format",
    "zlib.h": "format",
    "zstd.h": "format",
    "isa-l/": "format",
    "curl/": "net",
    "openssl/": "net",
}

SYSTEM = set("""
    assert.h complex.h ctype.h errno.h fenv.h float.h inttypes.h iso646.h limits.h locale.h math.h
    setjmp.h signal.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h
    stdnoreturn.h string.h strings.h time.h uchar.h wchar.h
    arpa/inet.h dirent.h dlfcn.h endian.h fcntl.h fnmatch.h getopt.h glob.h grp.h langinfo.h libgen.h
    netdb.h netinet/in.h netinet/tcp.h poll.h pthread.h pwd.h regex.h sched.h semaphore.h spawn.h
    sys/file.h sys/ioctl.h sys/mman.h sys/param.h sys/random.h sys/resource.h sys/select.h
    sys/socket.h sys/stat.h sys/statvfs.h sys/syscall.h sys/time.h sys/times.h sys/types.h sys/uio.h
    sys/un.h sys/utsname.h sys/wait.h sysexits.h syslog.h termios.h unistd.h
    byteswap.h link.h linux/falloc.h linux/fs.h malloc.h sys/auxv.h sys/epoll.h sys/eventfd.h
    sys/prctl.h sys/signalfd.h sys/sysinfo.h sys/timerfd.h sys/vfs.h sys/xattr.h
    emmintrin.h immintrin.h nmmintrin.h cpuid.h
""".split())

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def read_layers(source):
    lines = (source / "layers.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def driver_of(path):
    """source/postgres/copy.h -> source/postgres; source/source.h -> None"""
    return "/".join(path.split("/")[:2]) if path.count("/") >= 2 else None


def check_own(source, order, path, header):
    if not (source / header).is_file():
        return f'"{header}" is not in src/; includes start at src/'
    if path == "main.c":
        return None
    here, there = path.split("/")[0], header.split("/")[0]
    if there not in order:
        return f'"{header}": {there}/ is not in src/layers.txt'
    if order[there] < order[here] or (here, there) in APART:
        return f'{here}/ may not include "{header}"'
    driver = driver_of(header)
    if driver and not path.startswith(driver + "/"):
        return f'"{header}" belongs to the driver {driver}; only main.c names drivers'
    return None


def check_system(path, header):
    for known, folder in THIRD_PARTY.items():
        if header == known or (known.endswith("/") and header.startswith(known)):
            if path.startswith(folder + "/"):
                return None
            return f"<{header}> is included in {folder}/ only"
    if header in SYSTEM:
        return None
    return f"<{header}> is unknown: add it to tools/lint/layers.py, with the one folder it belongs to"


def check_file(source, order, path):
    if path != "main.c" and path.split("/")[0] not in order:
        yield f"src/{path}: its folder is not in src/layers.txt"
        return
    for number, line in enumerate((source / path).read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        own, system = match.groups()
        problem = check_own(source, order, path, own) if own else check_system(path, system)
        if problem:
            yield f"src/{path}:{number}: {problem}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    source = root / "src"
    order = {layer: rank for rank, layer in enumerate(read_layers(source))}
    files = sorted(str(p.relative_to(source)) for p in source.rglob("*.[ch]"))
    problems = [problem for path in files for problem in check_file(source, order, path)]
    if not files:
        problems = ["no source files found under src/"]
    print("\n".join(problems) or f"layers: {len(files)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
