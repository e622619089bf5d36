"""Both fakes without the bridge, started as the product's own command, and what people do in them."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request

ANNA = 777000111
SOURCE = "sales"


class Sandbox:
    """A running `telekommo sandbox`; hooks go to `hooks_to`."""

    def __init__(self, binary, hooks_to):
        command = [binary, "sandbox", "--listen", "127.0.0.1:0", "--hooks-to", hooks_to]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        first = self._process.stdout.readline()
        assert first.startswith("{"), f"the sandbox does not say where it is: {first!r}"
        told = json.loads(first)
        self.page, self.telegram, self.kommo = told["page"], told["telegram"], told["kommo"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.communicate(timeout=20)

    @property
    def token(self):
        """The token of the bot that customers write to."""
        return next(bot["token"] for bot in self.telegram["bots"] if bot["source"] == SOURCE)

    def act(self, what, **how):
        """Somebody does something: an address of the page and its body."""
        return self._post(f"/api/{what}", json.dumps(how).encode())

    def send_file(self, content, **how):
        """The customer sends a file."""
        query = urllib.parse.urlencode({"source": SOURCE, "customer": ANNA, **how})
        return self._post(f"/api/telegram/send_file?{query}", content)

    def _post(self, path, body):
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{self.page}{path}", body), timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error
