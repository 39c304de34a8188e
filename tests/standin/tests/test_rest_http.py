# SPDX-License-Identifier: Apache-2.0
"""The HTTP server itself: RFC 9112 framing, and bytes that are no HTTP."""

import os
import random
import socket

import pytest

PATH = b"/bigquery/v2/projects/test-project/datasets"
BODY = b'{"datasetReference": {"datasetId": "abcdef"}}'
POST = (b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)) + BODY
GET = b"GET " + PATH + b" HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def connect(google):
    host, port = google.bigquery.removeprefix("http://").split(":")
    opened = []

    def connect():
        opened.append(socket.create_connection((host, int(port)), timeout=10))
        return opened[-1]
    yield connect
    for connection in opened:
        connection.close()


def answers(connection):
    """Everything until the server closes."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def test_requests_on_one_connection(connect):
    """Keep-alive, and requests that come before the answer of the one before."""
    connection = connect()
    connection.sendall(POST + GET + GET)
    connection.shutdown(socket.SHUT_WR)
    data = answers(connection)
    assert data.count(b"HTTP/1.1 200 OK") == 3 and data.count(b"abcdef") >= 3


def test_connection_close(connect):
    connection = connect()
    connection.sendall(GET.replace(b"Host: x", b"Host: x\r\nConnection: close"))
    assert b"Connection: close" in answers(connection)


def test_http_1_0(connect):
    connection = connect()
    connection.sendall(GET.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert b" 200 OK" in answers(connection)


def test_expect_continue(connect):
    """RFC 9110, section 10.1.1: the body comes after 100."""
    connection = connect()
    head, _, body = POST.partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body)
    assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_chunks(connect):
    connection = connect()
    head = POST.partition(b"\r\n\r\n")[0].replace(b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked")
    connection.sendall(head + b"\r\n\r\n5;x=y\r\n" + BODY[:5] + b"\r\n%x\r\n" % (len(BODY) - 5) + BODY[5:] + b"\r\n0\r\nA: b\r\n\r\n" + GET)
    connection.shutdown(socket.SHUT_WR)
    assert answers(connection).count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\xa5\x01\x00", b"GET / HTTP/2.0\r\n\r\n", b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
                                  b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: " + b"b" * 70000 + b"\r\n\r\n"])
def test_what_is_no_http(connect, data):
    connection = connect()
    connection.sendall(data + b"\r\n")
    connection.shutdown(socket.SHUT_WR)
    assert answers(connection).startswith(b"HTTP/1.1 400")


def test_mutated_requests(connect, google):
    """Whatever comes, the server answers or closes, and none of it is a failure of its own."""
    seed = int(os.environ.get("BQFERRY_SEED") or random.randrange(2**32))
    print("BQFERRY_SEED", seed)
    chance = random.Random(seed)
    for _ in range(300):
        data = bytearray(POST)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(data))
            change = chance.randrange(4)
            if change == 0:
                data[place] = chance.randrange(256)
            elif change == 1:
                del data[place:place + chance.randint(1, 10)]
            elif change == 2:
                data[place:place] = chance.randbytes(chance.randint(1, 8))
            else:
                del data[place:]
            data = data or bytearray(b"x")
        connection = connect()
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        assert b"standinFailed" not in answers(connection), bytes(data)
        connection.close()
    assert google.alive()
