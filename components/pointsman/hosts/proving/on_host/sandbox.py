"""What each directive of the runner's unit did to the process that runs, as JSON: read from what the kernel says of its
credentials and of its mounts. What is so outside as well proves nothing, and counts as not in force.

Standard input: the id of the process, then the work folder, a line each.
"""

import json
import sys
from pathlib import Path

INACCESSIBLE = "/systemd/inaccessible/"
Mounts = dict[str, tuple[str, str, str]]


def mounts(process: str) -> Mounts:
    """Options, the folder that is shown, and the options of the file system, by mount point; the topmost of each."""
    found = {}
    for line in Path(f"/proc/{process}/mountinfo").read_text().splitlines():
        own, _, below = line.partition(" - ")
        _, _, _, shown, point, options = own.split()[:6]
        found[point] = (options, shown, below.split()[2] if len(below.split()) > 2 else "")
    return found


def over(path: str, every: Mounts) -> tuple[str, str, str]:
    """The mount that a path lies on."""
    folder = Path(path)
    return next(every[str(each)] for each in (folder, *folder.parents) if str(each) in every)


def is_read_only(path: str, every: Mounts) -> bool:
    """Whether nobody may write there."""
    return "ro" in over(path, every)[0].split(",")


def main() -> None:
    """Prints what is in force, by directive."""
    process, work = sys.stdin.read().split("\n")[:2]
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    inside, outside = mounts(process), mounts("1")

    def closed(path: str) -> bool:
        return is_read_only(path, inside) and not is_read_only(path, outside)

    def hidden(path: str) -> bool:
        return INACCESSIBLE in over(path, inside)[1]

    def other(path: str) -> bool:
        return path in inside and inside[path] != outside.get(path)

    found = {
        "NoNewPrivileges": status["NoNewPrivs"] == "1",
        "CapabilityBoundingSet": int(status["CapBnd"], 16) == 0,
        "SystemCallFilter": status["Seccomp"] == "2",
        "UMask": status["Umask"] == "0027",
        "ProtectSystem": closed("/usr") and closed("/etc"),
        "ReadWritePaths": not is_read_only(work, inside),
        "ProtectHome": hidden("/home") and hidden("/root"),
        "PrivateTmp": other("/tmp") and "systemd-private" in over("/tmp", inside)[1],
        "PrivateDevices": other("/dev"),
        "ProtectControlGroups": closed("/sys/fs/cgroup/systemd") or closed("/sys/fs/cgroup"),
        "ProtectKernelTunables": closed("/proc/sys/net") or closed("/proc/sys"),
        "ProtectProc": "hidepid=" in over("/proc", inside)[2],
        "InaccessiblePaths": hidden("/etc/pointsman"),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
