"""Both fakes without the bridge, started as the product's own command, and what people do in them."""

import json
import subprocess
import urllib.error
import urllib.request

ANNA = 777000111
SOURCE = "sales"


def form(about, content, name, mime):
    """A form as browsers send it (RFC 7578), and its boundary."""
    boundary = "----the-judges-form"
    parts = [
        (b'name="about"', about.encode()),
        (f'name="file"; filename="{name}"\r\nContent-Type: {mime}'.encode(), content),
    ]
    start = b"--" + boundary.encode() + b"\r\nContent-Disposition: form-data; "
    body = b"".join(start + head + b"\r\n\r\n" + value + b"\r\n" for head, value in parts)
    return body + f"--{boundary}--\r\n".encode(), boundary


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
        """The customer sends a file: a form with what it is about, and the file."""
        about = json.dumps({"source": SOURCE, "customer": ANNA})
        body, boundary = form(about, content, how["name"], how["type"])
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._post("/api/telegram/send_files", body, headers)

    def _post(self, path, body, headers=None):
        request = urllib.request.Request(f"{self.page}{path}", body, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error
