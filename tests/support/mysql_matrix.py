# SPDX-License-Identifier: Apache-2.0
"""tests/data/mysql/types.txt as tables on a server: one a section, id and v, a row a line."""

import re
from pathlib import Path

from support import matrix

DATA = Path(__file__).resolve().parents[1] / "data/mysql"


def fits(section, server):
    """Whether this server can have the type: only: mariadb or mysql, mariadb and mysql: from when."""
    only, since = section.options.get("only"), section.options.get(server.driver, 0)
    return (not only or only == server.driver) and server.version >= since


def read_table():
    sections = matrix.read_table(DATA / "types.txt")
    for section in sections:  # 64 characters at most are a table's name
        plain = re.sub(r"[^a-z0-9_]", "", section.name[:40]).strip("_")
        section.name = f"{plain}_{section.line}"
    return sections


def sections_of(server):
    return [section for section in read_table() if fits(section, server)]


def make_database(server):
    database = server.new_database("CHARACTER SET utf8mb4")
    for section in sections_of(server):
        database.execute(f"CREATE TABLE `{section.name}` (id int PRIMARY KEY, v {section.sql_type})",
                         *(f"INSERT INTO `{section.name}` (id, v) VALUES ({number}, {row.literal})"
                           for number, row in enumerate(section.rows)))
    return database
