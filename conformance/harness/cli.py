"""The commands that talk to a running server."""

import json

from harness.evenkeel import TOKEN, Evenkeel, finish


class Cli:
    """`evenkeel …` against one server."""

    def __init__(self, server: Evenkeel):
        self.variables = {
            "EVENKEEL_SERVER": f"http://127.0.0.1:{server.api}",
            "EVENKEEL_API_TOKEN": TOKEN,
        }

    def run(self, *arguments: str, **variables: str):
        """Runs a command to its end, however that is."""
        return finish(*arguments, **(self.variables | variables))

    def __call__(self, *arguments: str) -> str:
        """What a command that has to succeed prints."""
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def json(self, *arguments: str):
        """The same as a value."""
        return json.loads(self(*arguments, "--json"))

    def refused(self, code: int, *arguments: str) -> str:
        """What a command that has to fail with this code says."""
        done = self.run(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), done
        return done.stderr
