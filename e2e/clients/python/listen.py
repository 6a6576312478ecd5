"""Reads a stream with httpx-sse and writes one JSON object a line for each thing it sees.

httpx-sse does not reconnect; this program returns as its README advises, with the last id, until the answer is not 200.
"""

import json
import sys
import time

import httpx
import httpx_sse


def note(kind, **fields):
    print(json.dumps({"kind": kind, **fields}))


class Position:
    """Where to go on after a connection has ended, and how long to wait before."""

    def __init__(self):
        self.last_id = ""
        self.pause = 0.5

    def take(self, event):
        self.last_id = event.id
        if event.retry is not None:
            self.pause = event.retry / 1000


def listen_once(client, url, position):
    """Answers whether there is something to return for."""
    headers = {"Last-Event-ID": position.last_id} if position.last_id else {}
    with httpx_sse.connect_sse(client, "GET", url, headers=headers) as source:
        if source.response.status_code != 200:
            note("refused", status=source.response.status_code)
            return False
        note("open")
        for event in source.iter_sse():
            note("event", name=event.event, data=event.data, id=event.id)
            position.take(event)
    note("closed")
    return True


def main(url):
    position = Position()
    more = True
    # The proxy settings of the environment are not for loopback, and a quiet stream is no failure.
    with httpx.Client(trust_env=False, timeout=None) as client:
        while more:
            try:
                more = listen_once(client, url, position)
            except httpx.TransportError as error:
                note("error", detail=repr(error))
            time.sleep(position.pause)


main(sys.argv[1])
