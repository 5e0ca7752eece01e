"""A bot for Salebot that needs nothing but Python: it answers what people write."""

import json
import os
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = urllib.parse.quote(os.environ["SALEBOT_API_KEY"], safe="")
BASE_URL = os.environ.get("SALEBOT_BASE_URL", "https://chatter.salebot.pro/api")


def call(action, **parameters):
    """Calls an action of the API and returns the text of its answer."""
    request = urllib.request.Request(
        f"{BASE_URL}/{KEY}/{action}",
        json.dumps(parameters).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read().decode()


def answer(event):
    """Answers a message of a person. Echoes of our own messages have is_input 0."""
    text = event.get("message") or ""
    if event.get("is_input") != 1 or text.startswith("/"):
        return
    reply = "Everything costs 100." if "price" in text.lower() else f"You wrote: {text}"
    call("message", client_id=event["client"]["id"], message=reply)


class Receiver(BaseHTTPRequestHandler):
    """Gets every message of the project."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        answer(json.loads(body))

    def log_message(self, format, *args):
        """Says nothing: the emulator has a log of its own."""


if __name__ == "__main__":
    address = ("", int(os.environ.get("PORT", "3000")))
    with ThreadingHTTPServer(address, Receiver) as server:
        print(f"The bot listens on port {server.server_port}.", flush=True)
        server.serve_forever()
