"""Accounts, sudo, and what logins are given."""

from __future__ import annotations

from pointsman.checks import Check, passed
from pointsman.hosts.proving.subject import Subject

RUNNER = "runner"
RUNNER_ID = 1500
RUNNER_HOME = "/srv/runner"
_ACCOUNTS = "passwd --status --all; awk -F: '$3 == 0 {print \"uid0 \" $1}' /etc/passwd"


def sudo(host: Subject) -> Check:
    """Its files are valid, open to root alone, and ask for a terminal of their own and a log."""
    name = "sudo"
    said = host.said("visudo -c 2>&1", good=(0, 1))
    if "bad" in said or "error" in said:
        return host.refused(name, said.strip().splitlines()[0], "visudo -c finds no fault")
    loose = host.said("find /etc/sudoers /etc/sudoers.d -type f -perm /0227").split()
    if loose:
        return host.refused(name, f"open: {', '.join(loose)}", "mode 0440 at most")
    told = host.said("sudo -V | grep -iE 'pseudo-tty|log file'")
    if "pseudo-tty" not in told or "/var/log/sudo.log" not in told:
        return host.refused(name, " ".join(told.split()) or "neither", "use_pty and a log of its own")
    return passed(name, "valid, for root alone, with use_pty and a log", service=host.name)


def accounts(host: Subject) -> Check:
    """Nobody has a password, root is the only one with its number, and the runner is an account of its own."""
    name = "accounts"
    rows = [line.split() for line in host.said(_ACCOUNTS).splitlines()]
    open_ones = [row[0] for row in rows if row[0] != "uid0" and row[1] not in ("L", "LK")]
    roots = [row[1] for row in rows if row[0] == "uid0"]
    if open_ones:
        return host.refused(name, f"with a password: {', '.join(open_ones)}", "none has one")
    if roots != ["root"]:
        return host.refused(name, f"with root's number: {', '.join(roots)}", "root alone")
    if host.has_runner:
        user = host.remote.user(RUNNER)
        found = (user.uid, user.gid, user.home, user.shell) if user.exists else ()
        wanted = (RUNNER_ID, RUNNER_ID, RUNNER_HOME, "/usr/sbin/nologin")
        if found != wanted:
            return host.refused(name, f"{RUNNER}: {found or 'missing'}", f"{RUNNER}: {wanted}")
    return passed(name, f"{len(rows) - 1}, none with a password, one root", service=host.name)


def logins(host: Subject) -> Check:
    """The umask of this very session, and how passwords age for accounts that are made from now on."""
    name = "umask and login.defs"
    umask = host.said_to_account("umask").strip()
    wanted = str(host.default("accounts", "accounts_umask")).zfill(4)
    if umask != wanted:
        return host.refused(name, f"umask {umask} in a session", f"umask {wanted}")
    told = dict(line.split()[:2] for line in host.said("grep -E '^[A-Z_]+ ' /etc/login.defs").splitlines())
    days = str(host.default("accounts", "accounts_password_days"))
    found = (told.get("PASS_MAX_DAYS"), told.get("UMASK"), told.get("ENCRYPT_METHOD"))
    if found != (days, str(host.default("accounts", "accounts_umask")), "YESCRYPT"):
        return host.refused(name, f"{found}", f"PASS_MAX_DAYS {days}, the same umask, yescrypt")
    return passed(name, f"umask {umask} in a session, passwords age in {days} days", service=host.name)


def faillock(host: Subject) -> Check:
    """PAM asks faillock before a password and tells it after, and it locks as written."""
    name = "faillock"
    stack = host.said("grep -h pam_faillock /etc/pam.d/common-auth /etc/pam.d/common-account")
    missing = [word for word in ("preauth", "authfail") if word not in stack]
    if missing or "account" not in stack:
        return host.refused(name, f"PAM lacks {', '.join(missing) or 'its account step'}", "preauth, authfail, account")
    lines = host.said("cat /etc/security/faillock.conf").splitlines()
    told = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    deny, seconds = (str(host.default("accounts", f"accounts_lock_{each}")) for each in ("after", "seconds"))
    if (told.get("deny"), told.get("unlock_time")) != (deny, seconds):
        return host.refused(name, f"after {told.get('deny')} for {told.get('unlock_time')} s", f"{deny}, {seconds} s")
    return passed(name, f"locked for {seconds} s after {deny} wrong passwords", service=host.name)
