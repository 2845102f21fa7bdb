"""`config.sh` and `config.sh remove`."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from .service import Lost, Refused, Service
from .shared import (
    CREDENTIALS,
    KEY,
    ROOT,
    SERVICE,
    SETTINGS,
    Diag,
    Terminal,
    Terminated,
    load,
    save,
    version,
)

PREFIX = "ACTIONS_RUNNER_INPUT_"
FLAGS = (
    "check",
    "commit",
    "ephemeral",
    "generateserviceconfig",
    "help",
    "local",
    "no-default-labels",
    "replace",
    "disableupdate",
    "once",
    "runasservice",
    "unattended",
    "version",
)
ARGUMENTS = (
    "auth",
    "labels",
    "monitorsocketaddress",
    "name",
    "runnergroup",
    "startuptype",
    "url",
    "username",
    "work",
    "token",
    "pat",
    "jitconfig",
)
SECRETS = ("token", "pat", "jitconfig")
COMMANDS = ("configure", "remove", "run", "warmup")
ALREADY = (
    "Cannot configure the runner because it is already configured. To reconfigure the runner, run 'config.cmd remove' "
    "or './config.sh remove' first."
)


class Command:
    """The command line, with `ACTIONS_RUNNER_INPUT_<NAME>` for what it does not say; those leave the environment."""

    def __init__(self, words: list[str], diag: Diag) -> None:
        self.name = words[0].lower() if words and not words[0].startswith("--") else ""
        self.unknown: list[str] = [] if self.name in (*COMMANDS, "") else [self.name]
        self._values: dict[str, str] = {}
        self._flags: set[str] = set()
        for key in [each for each in os.environ if each.upper().startswith(PREFIX)]:
            value = os.environ.pop(key).strip()
            if value:
                self._values[key[len(PREFIX) :].lower()] = value
        self._read(words[1:] if self.name else words)
        for name in SECRETS:
            diag.mask(self._values.get(name))

    def _read(self, words: list[str]) -> None:
        waiting = iter(words)
        for word in waiting:
            name = word.removeprefix("--").lower()
            if word.startswith("--") and name in FLAGS:
                self._flags.add(name)
            elif word.startswith("--") and name in ARGUMENTS:
                self._values[name] = next(waiting, "")
            else:
                self.unknown.append(word.removeprefix("--"))

    def flag(self, name: str) -> bool:
        """Whether a flag is set; by the environment it is `true`."""
        return name in self._flags or self._values.get(name, "").lower() == "true"

    def get(self, name: str) -> str:
        """An argument, "" where there is none."""
        return self._values.get(name, "")

    def need(self, name: str, default: str = "") -> str:
        """An argument that is required; nobody is asked for it, since a stand-in has no one at its terminal."""
        value = self.get(name) or default
        if not value:
            raise Terminated(f"Invalid configuration provided for {name}. Terminating unattended configuration.")
        return value


def configured() -> bool:
    """Whether there is a configuration here."""
    return (ROOT / SETTINGS).is_file()


def forget() -> None:
    """Removes the local configuration."""
    for name in (SETTINGS, CREDENTIALS, KEY):
        (ROOT / name).unlink(missing_ok=True)


def configure(command: Command, terminal: Terminal) -> None:
    """Registers the runner and writes its files; raises Terminated."""
    terminal.line("Self-hosted runner registration")
    if configured():
        raise Terminated(ALREADY)
    url, token = command.need("url"), command.need("token")
    split = urlsplit(url)
    terminal.line("# Authentication")
    labels = [label for label in command.get("labels").split(",") if label]
    asked = {
        "url": url,
        "token": token,
        "name": command.need("name", os.uname().nodename),
        "version": version(),
        "labels": labels,
        "default_labels": not command.flag("no-default-labels"),
        "ephemeral": command.flag("ephemeral"),
        "replace": command.flag("replace"),
        "work_folder": command.get("work") or "_work",
    }
    if command.flag("no-default-labels") and not labels:
        raise Terminated("--no-default-labels option is specified but no custom labels are provided.")
    service = Service(f"{split.scheme}://{split.netloc}")
    try:
        told = service.ask("POST", "registration", asked)
    except Refused as error:
        raise Terminated(_registration_refusal(error, f"{split.scheme}://{split.netloc}")) from None
    except Lost as error:
        raise Terminated(str(error)) from None
    terminal.success("Connected to GitHub")
    terminal.line("# Runner Registration")
    if told["replaced"]:
        terminal.line("A runner exists with the same name")
    terminal.success("Successfully replaced the runner" if told["replaced"] else "Runner successfully added")
    files = told["files"]
    if command.flag("disableupdate"):
        files[SETTINGS]["disableUpdate"] = True
    for name, content in files.items():
        save(name, content, private=name == KEY)
    terminal.success("Runner connection is good")
    terminal.line("# Runner settings")
    terminal.success("Settings Saved.")


def _registration_refusal(error: Refused, base: str) -> str:
    if error.kind != "NotFound":
        return str(error)
    return (
        f"Http response code: NotFound from 'POST {base}/api/v3/actions/runner-registration'\n"
        "Response status code does not indicate success: 404 (Not Found)."
    )


def remove(command: Command, terminal: Terminal) -> None:
    """Takes the runner off GitHub and its files away; raises Terminated."""
    if command.flag("local"):
        forget()
        terminal.line("Removed .runner, .credentials")
        return
    terminal.line("# Runner removal")
    if (ROOT / SERVICE).is_file():
        raise Terminated("Uninstall service first")
    if not configured():
        terminal.line("Does not exist. Skipping Removing .runner")
        return
    settings = load(SETTINGS)
    asked = {"token": command.need("token"), "runner_id": settings["agentId"]}
    try:
        Service(settings["serverUrl"]).ask("DELETE", "registration", asked)
        terminal.success("Runner removed successfully")
    except Refused as error:
        if error.kind != "TaskAgentNotFoundException":
            raise Terminated(_registration_refusal(error, settings["serverUrl"])) from None
        terminal.line("Does not exist. Skipping Removing runner from the server")
    except Lost as error:
        raise Terminated(str(error)) from None
    forget()
    terminal.success("Removed .credentials")
    terminal.success("Removed .runner")
