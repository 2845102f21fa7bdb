"""Plays by the real Ansible, on this machine."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pointsman.errors import EXIT_UNREACHABLE, EXIT_USAGE, UsageError
from pointsman.plays import Cause, PlayFailed, process, running
from tests.unit.plays.sites import HOST, Here, Stopping
from tests.unit.plays.sites import running as processes

SECRET = "AREGISTRATIONTOKEN0123456789"
SLOW = """\
- name: Sleep
  ansible.builtin.command: sleep {seconds}
"""


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Waits until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_play_and_a_second_one(checkout: Here, tmp_path: Path) -> None:
    """Tasks are told in order with their number; what changes is named; a second play changes nothing; a check changes
    nothing and says what it would."""
    target = tmp_path / "made"
    checkout.write(f"""\
        - name: Make
          ansible.builtin.copy:
            dest: {target}
            content: "{{{{ greeting }}}}"
            mode: "0600"
        - name: Look
          ansible.builtin.stat:
            path: {target}
        """)
    would = checkout.run(variables={"greeting": "good day"}, check=True)
    assert (would.changed_tasks, target.exists()) == (("Make",), False)
    done = checkout.run(variables={"greeting": "good day"})
    assert (done.ok, done.changed, done.changed_tasks) == (2, 1, ("Make",))
    assert target.read_text() == "good day"
    again = checkout.run(variables={"greeting": "good day"})
    assert (again.ok, again.changed, again.changed_tasks) == (2, 0, ())
    assert [str(task) for task in checkout.told[:2]] == [f"{HOST}: Make (1)", f"{HOST}: Look (2)"]


def test_a_secret_comes_by_the_environment_alone(checkout: Here, tmp_path: Path) -> None:
    """A play reads it there; no command line and no file of the play holds it while it runs; nor does the message of a
    task that says it."""
    seen = tmp_path / "seen"
    checkout.write(f"""\
        - name: Read
          ansible.builtin.command: dd of={seen}
          args:
            stdin: "{{{{ lookup('ansible.builtin.env', 'POINTSMAN_RUNNER_TOKEN') }}}}"
            stdin_add_newline: false
          no_log: true
        - name: Look around
          ansible.builtin.shell: |
            ps -eo args
            grep -rl {SECRET[:12]}''{SECRET[12:]} "$(dirname "$ANSIBLE_HOME")" || true
          register: around
        - name: Nowhere
          ansible.builtin.assert:
            that: "'{SECRET[:12]}' ~ '{SECRET[12:]}' not in around.stdout"
        - name: Tell
          ansible.builtin.fail:
            msg: "it is {{{{ lookup('ansible.builtin.env', 'POINTSMAN_RUNNER_TOKEN') }}}}"
        """)
    with pytest.raises(PlayFailed) as failed:
        checkout.run(secrets={"POINTSMAN_RUNNER_TOKEN": SECRET})
    assert failed.value.task == "Tell", str(failed.value)
    assert "it is ***" in str(failed.value)
    assert SECRET not in str(failed.value)
    assert seen.read_text() == SECRET


def test_variables_of_a_host_that_the_inventory_has_no_more(checkout: Here, tmp_path: Path) -> None:
    """It is reached as its variables say, so that what was on it can still be removed."""
    checkout.write(f"- ansible.builtin.file: {{path: {tmp_path}/gone, state: touch, mode: '0600'}}\n")
    way = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    assert checkout.run(host="removed-1", variables=way, alone=True).changed == 1
    with pytest.raises(PlayFailed) as failed:
        checkout.run(host="removed-1", variables=way)
    assert (failed.value.cause, failed.value.exit_code) == (Cause.UNKNOWN_HOST, EXIT_USAGE)
    assert "pointsman inventory graph --env dev" in str(failed.value)


def test_a_failed_task_is_named_and_a_mended_one_is_not(checkout: Here) -> None:
    """What a block rescues or a task ignores is no failure; the one that ends the play is told with its own words."""
    checkout.write("""\
        - name: Ignored
          ansible.builtin.command: ls /nonexistent-1
          ignore_errors: true
        - name: Both
          block:
            - name: Rescued
              ansible.builtin.command: ls /nonexistent-2
          rescue:
            - name: Mends
              ansible.builtin.command: "true"
        - name: Breaks
          ansible.builtin.command: ls /nonexistent-3
          when: breaks
        """)
    assert checkout.run(variables={"breaks": False}).changed_tasks[-1:] == ("Mends",)
    with pytest.raises(PlayFailed) as failed:
        checkout.run(variables={"breaks": True})
    assert (failed.value.host, failed.value.task, failed.value.cause) == (HOST, "Breaks", Cause.TASK)
    assert "/nonexistent-3" in failed.value.message
    assert "/nonexistent-1" not in str(failed.value)


def test_a_cancel_leaves_no_process(checkout: Here) -> None:
    """Ctrl-C in the middle of a task ends Ansible, its workers with their sessions of their own, and what they run."""
    checkout.write(SLOW.format(seconds=3171))
    stop = Stopping()

    def press() -> None:
        while not processes("sleep 3171"):
            time.sleep(0.05)
        stop.press()

    threading.Thread(target=press, daemon=True).start()
    begin = time.monotonic()
    with pytest.raises(PlayFailed) as failed:
        checkout.run(stop=stop)
    assert (failed.value.cause, failed.value.task) == (Cause.CANCELLED, "Sleep")
    assert processes("sleep 3171") == []
    assert processes(str(checkout.root)) == []
    print(f"cancelled after {time.monotonic() - begin:.1f} s")


def test_a_play_that_takes_too_long(checkout: Here) -> None:
    """It is stopped and says in which task it was; nothing is left of it."""
    checkout.write(SLOW.format(seconds=3172))
    with pytest.raises(PlayFailed) as failed:
        checkout.run(timeout=4)
    assert (failed.value.cause, failed.value.task) == (Cause.TIMEOUT, "Sleep")
    assert "not done within 4 s" in failed.value.message
    assert processes("sleep 3172") == []


def test_a_killed_controller_leaves_no_process(checkout: Here, tmp_path: Path) -> None:
    """kill -9 of who runs the play ends the play, and nothing of it is left in the temporary folder either."""
    checkout.write(SLOW.format(seconds=3173))
    program = tmp_path / "controller.py"
    program.write_text(
        "import sys\nfrom pathlib import Path\nfrom tests.unit.plays.sites import Here\nHere(Path(sys.argv[1])).run()\n"
    )
    root, scratch = Path(__file__).parents[3], tmp_path / "scratch"
    scratch.mkdir()
    with subprocess.Popen(
        [sys.executable, str(program), str(checkout.root)],
        env={**process.variables({}), "PYTHONPATH": f"{root / 'components'}:{root}", "TMPDIR": str(scratch)},
    ) as controller:
        until(lambda: bool(processes("sleep 3173")))
        controller.kill()
    until(lambda: not processes("sleep 3173"))
    until(lambda: not [*scratch.glob("pointsman-play-*")])


def test_at_most_one_play_a_core(checkout: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third play on two cores waits for its turn, and a cancel ends its wait."""
    checkout.write("- ansible.builtin.command: 'true'\n")
    monkeypatch.setattr(running, "_TURNS", threading.BoundedSemaphore(1))
    running._TURNS.acquire()
    stop = Stopping()
    threading.Timer(0.3, stop.press).start()
    with pytest.raises(PlayFailed) as failed:
        checkout.run(stop=stop)
    assert failed.value.cause is Cause.CANCELLED
    assert checkout.told == []
    running._TURNS.release()
    assert checkout.run().ok == 1


def test_without_ansible(checkout: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without it is told where it was looked for, and what to do."""
    checkout.write("- ansible.builtin.command: 'true'\n")
    monkeypatch.setattr(process, "ansible_playbook", lambda: tmp_path / "bin" / "ansible-playbook")
    with pytest.raises(PlayFailed) as failed:
        checkout.run()
    assert (failed.value.cause, failed.value.exit_code) == (Cause.NO_ANSIBLE, EXIT_UNREACHABLE)
    assert str(tmp_path / "bin" / "ansible-playbook") in str(failed.value)


def test_what_is_refused_before_anything_is_started(checkout: Here, tmp_path: Path) -> None:
    """A play that there is not, a key that is missing or open to others: the file is named, and no process started."""
    before = len(psutil.Process().children())
    with pytest.raises(PlayFailed, match="there is no play nothing"):
        checkout.run(playbook="nothing")
    checkout.write("- ansible.builtin.command: 'true'\n")
    key = tmp_path / "key"
    with pytest.raises(UsageError, match=f"the key {key} can't be read"):
        checkout.run(variables={"ansible_ssh_private_key_file": str(key)})
    key.touch(mode=0o644)
    with pytest.raises(UsageError, match="mode 0644") as failed:
        checkout.run(variables={"ansible_ssh_private_key_file": str(key)})
    assert failed.value.remedy == f"chmod 600 {key}"
    assert len(psutil.Process().children()) == before


def test_a_play_that_does_not_parse(checkout: Here) -> None:
    """Ansible's own words come with file and line."""
    (checkout.root / "playbooks/site.yml").write_text("- hosts: all\n  tasks:\n    - no_such_module:\n")
    with pytest.raises(PlayFailed) as failed:
        checkout.run()
    assert failed.value.cause is Cause.PLAYBOOK
    assert "no_such_module" in failed.value.message
    assert "site.yml:3" in failed.value.detail


def test_settings_of_the_user_have_no_say(checkout: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An ANSIBLE_ variable of somebody's shell changes no play; the check of host keys stays on."""
    monkeypatch.setenv("ANSIBLE_CHECK_MODE_MARKERS", "x")
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "False")
    seen = tmp_path / "seen"
    checkout.write(f"""\
        - ansible.builtin.shell: env > {seen}; echo 'common={{{{ ansible_ssh_common_args }}}}' >> {seen}
        """)
    checkout.run()
    told = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)
    assert "ANSIBLE_CHECK_MODE_MARKERS" not in told
    assert told["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert f"HostKeyAlias={HOST}" in told["common"]


def test_what_changed_is_told_item_by_item_and_line_by_line(checkout: Here, tmp_path: Path) -> None:
    """Of a check with a diff, the lines that go and come; what a task may not tell is not told."""
    (tmp_path / "a").write_text("same\nold\n")
    checkout.write(f"""\
        - name: Write
          ansible.builtin.copy: {{dest: "{{{{ item }}}}", content: "same\\nnew\\n", mode: '0600'}}
          loop: [{tmp_path}/a]
        - name: Hidden
          ansible.builtin.copy: {{dest: {tmp_path}/b, content: "{SECRET}", mode: '0600'}}
          no_log: true
        - name: Said
          ansible.builtin.debug: {{msg: fail2ban.service}}
          changed_when: true
        """)
    found = checkout.run(check=True, diff=True)
    assert found.changes == (f"Write: {tmp_path}/a\n-old\n+new", "Said: fail2ban.service")
    assert found.changed == 3
    assert (tmp_path / "a").read_text() == "same\nold\n"
