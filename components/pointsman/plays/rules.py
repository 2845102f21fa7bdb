"""What Ansible, ssh and modules say when something goes wrong, what it means, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.plays.model import Cause


@dataclass(frozen=True)
class Rule:
    """Words that tell a cause. `problem` and `remedy` may name what is known of the host (`name`, `address`, `port`,
    `user`, `key`, `known_hosts`, `environment`), the `first` line that was found and the `last` of all."""

    pattern: str
    cause: Cause
    problem: str
    remedy: str


AGAIN = "then run the same command again: it goes on from there"
# The first that fits is taken: what is more exact comes first.
CONNECTION = (
    Rule(
        r"UNPROTECTED PRIVATE KEY FILE|Permissions (?P<mode>\d+) for .* are too open",
        Cause.KEY,
        "ssh takes no key that others could read: {key}",
        "chmod 600 {key}",
    ),
    Rule(
        r"Identity file (?P<file>\S+) not accessible|no such identity: (?P<file2>\S+?):",
        Cause.KEY,
        "the key {key} is missing",
        "put the private key there, or name another by ansible_ssh_private_key_file in the inventory",
    ),
    Rule(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key for .* has changed",
        Cause.HOST_KEY,
        "the host shows another key than before: it was made anew, or somebody else answers (known keys:"
        " {known_hosts})",
        "if it was made anew: ssh-keygen -R {name} -f {known_hosts}",
    ),
    Rule(
        r"Could not resolve hostname|Name or service not known",
        Cause.SILENT,
        "the name {address} is unknown here",
        "mend ansible_host in the inventory, or the name server",
    ),
    Rule(
        r"Permission denied|Too many authentication failures",
        Cause.ACCESS,
        "SSH refuses the login of {user}: {last}",
        "put the public half of {key} into ~{user}/.ssh/authorized_keys on the host, or mend ansible_user in the"
        " inventory",
    ),
    Rule(
        r"Connection refused",
        Cause.REFUSED,
        "SSH is refused at {address} port {port}: no sshd listens there, or a firewall refuses",
        "on the host: systemctl status ssh; in the inventory: ansible_host and ansible_port",
    ),
    Rule(
        r"timed? ?out|No route to host|Network is unreachable|kex_exchange_identification|banner exchange"
        r"|Connection (?:closed|reset)|Broken pipe|not responding",
        Cause.SILENT,
        "no answer of SSH at {address} port {port}: {last}",
        "see whether the host is up and the network lets SSH through: ssh -p {port} {address}",
    ),
)
TASK = (
    Rule(
        r"sudo: (?:command )?not found|sudo: No such file",
        Cause.SUDO,
        "sudo is not installed on the host",
        "on the host, as root: apt-get install sudo, and let {user} use it without a password",
    ),
    Rule(
        r"a password is required|Missing sudo password|Incorrect sudo password|no password was provided"
        r"|not in the sudoers file|may not run sudo|is not allowed to execute|waiting for become",
        Cause.SUDO,
        "{user} may not become root: sudo wants a password that there is not, or refuses",
        "on the host: echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}; or give ansible_become_password in"
        " the inventory, encrypted",
    ),
    Rule(
        r"No space left on device|Errno 28|don't have enough free space|not enough (?:free )?space|quota exceeded",
        Cause.DISK,
        "the host's disk is full: {first}",
        "make room (on the host: df -h; du -xh --max-depth=2 / | sort -h | tail), " + AGAIN,
    ),
    Rule(
        r"[Cc]hecksum.*(?:did not match|mismatch|does not match|differ)|does not match the expected checksum",
        Cause.CHECKSUM,
        "what was downloaded or copied is not what its checksum says: {first}",
        "compare url and sha256 in the spec or the inventory with what its maker publishes; nothing was installed",
    ),
    Rule(
        r"python3?: (?:command )?not found|No python interpreters found|interpreter .* not found|python\S*: No such",
        Cause.PYTHON,
        "there is no Python on the host, which plays need",
        "on the host, as root: apt-get install python3; or mend ansible_python_interpreter in the inventory",
    ),
)
START = (
    Rule(
        r"Could not match supplied host pattern|leaves us with no hosts|no hosts matched",
        Cause.UNKNOWN_HOST,
        "the inventory of {environment} has no such host",
        "see `pointsman inventory graph --env {environment}`",
    ),
    Rule(
        r"no vault secrets|Decryption failed|vault password",
        Cause.VAULT,
        "the inventory is encrypted, and the password of its vault is missing or wrong",
        "set ANSIBLE_VAULT_PASSWORD_FILE to the file with the password",
    ),
    Rule(
        r"ansible-playbook.*(?:not found|not executable)|No module named '?ansible",
        Cause.NO_ANSIBLE,
        "Ansible is not installed here: {last}",
        "pip install -r requirements/base.txt in the virtual environment",
    ),
)
