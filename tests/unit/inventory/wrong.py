"""Inventories with a mistake each, and the mistake as the reader words it."""

from __future__ import annotations

from tests.unit.inventory.folders import ALL, HOSTS

HOST_RULE = "a host's name: small letters, digits, hyphens and dots, such as build-1.example.org"
LABEL = "a label: letters, digits, . _ and -, at most 100"
PORT = "a whole number from 1 to 65535"
ONLY_ENV = "lookup('env', …), the only one"
A_NAME = "a name; addresses stand in ansible_host only, or come from lookup('env', …)"
ALL_YML = "group_vars/all.yml"
RUNNERS_YML = "group_vars/runners.yml"

PRIMARY = "runners.children.runners_primary.hosts"

# Case → the files that differ from a good inventory, and what is said.
WRONG: dict[str, tuple[dict[str, str], list[str]]] = {
    "a label with a space": (
        {RUNNERS_YML: "runner_labels: [deploy, 'linux x64']\n"},
        [f'{RUNNERS_YML}:1:25  runner_labels[1]  "linux x64" does not fit; expected {LABEL}; did you mean linuxx64?'],
    ),
    "a label twice": (
        {RUNNERS_YML: "runner_labels: [deploy, Deploy]\n"},
        [
            f"{RUNNERS_YML}:1:17  runner_labels[0]  the label deploy stands 2 times; "
            "expected each label once; GitHub does not tell A from a",
            f"{RUNNERS_YML}:1:25  runner_labels[1]  the label Deploy stands 2 times; "
            "expected each label once; GitHub does not tell A from a",
        ],
    ),
    "the routing label": (
        {RUNNERS_YML: "runner_labels: [deploy-active]\n"},
        [
            f"{RUNNERS_YML}:1:17  runner_labels[0]  deploy-active is moved by the fleet controller; "
            "expected another label"
        ],
    ),
    "a runner name twice": (
        {RUNNERS_YML: "runner_name: builder\n"},
        [
            f"{RUNNERS_YML}:1:1  runner_name  the runner name builder of build-1 again, for build-2; "
            "expected a runner name of its own for each host"
        ],
    ),
    "an address twice": (
        {"host_vars/build-1.yml": "ansible_host: build-2.example.org\n"},
        [
            "hosts.yml:8:19  runners.children.runners_secondary.hosts.build-2.ansible_host  "
            "build-2.example.org:22 is build-1 already, and build-2 as well; "
            "expected an address or port of its own for each host"
        ],
    ),
    "a host in both parts": (
        {"hosts.yml": HOSTS.replace("        build-2:", "        build-1:\n        build-2:")},
        [
            f"hosts.yml:5:9  {PRIMARY}.build-1  the host is in runners_primary and in runners_secondary; "
            "expected one of the two"
        ],
    ),
    "a host in no part": (
        {"hosts.yml": HOSTS.replace("monitored:", "  hosts:\n    build-3:\nmonitored:")},
        [
            "hosts.yml:10:5  runners.hosts.build-3  the host is in runners, but in none of its parts; "
            "expected a host in runners_primary or runners_secondary"
        ],
    ),
    "a host twice in one mapping": (
        {"hosts.yml": HOSTS.replace("        build-1:", "        build-1:\n        build-1:")},
        [
            f"hosts.yml:6:9  {PRIMARY}.build-1  the key stands twice, in line 5 and line 6; "
            "expected each key once; remove one of the two"
        ],
    ),
    "an unknown key": (
        {RUNNERS_YML: "runner_profil: docker\n"},
        [f"{RUNNERS_YML}:1:1  runner_profil  unknown key; did you mean runner_profile?"],
    ),
    "a variable of one's own with a plain name": (
        {RUNNERS_YML: "site: eu\n"},
        [f"{RUNNERS_YML}:1:1  site  unknown key; a variable of your own is called x_site"],
    ),
    "an unknown key of a group": (
        {"hosts.yml": HOSTS.replace("monitored:\n  children:", "monitored:\n  childs:")},
        ["hosts.yml:10:3  monitored.childs  unknown key; did you mean children?"],
    ),
    "an unknown group": (
        {"hosts.yml": HOSTS.replace("    runners:\n", "    runner:\n")},
        [
            "hosts.yml:11:5  monitored.children.runner  unknown group: nothing says what is in it; "
            "expected a group that is there; did you mean runners?",
        ],
    ),
    "an empty group": (
        {"hosts.yml": HOSTS + "lab:\n  hosts:\n"},
        ["hosts.yml:12:1  lab  the group is empty; expected a host in it, or no such group"],
    ),
    "a group that no play reaches": (
        {"hosts.yml": HOSTS + "monitord:\n  hosts:\n    web:\n"},
        [
            "hosts.yml:12:1  monitord  no play reaches the group: web is in no other; expected hosts that are in "
            "runners_primary, runners_secondary or monitored as well; did you mean monitored?"
        ],
    ),
    "a part outside of runners": (
        {"hosts.yml": "runners_primary:\n  hosts:\n    build-1:\n"},
        [
            "hosts.yml:1:1  runners_primary  runners_primary is not in runners; "
            "expected runners_primary among its children"
        ],
    ),
    "a group in itself": (
        {"hosts.yml": HOSTS + "lab:\n  children:\n    runners:\n      children:\n        lab:\n"},
        [
            "hosts.yml:14:5  lab.children.runners  the group runners is in itself; expected groups without a loop",
            "hosts.yml:16:9  lab.children.runners.children.lab  the group lab is in itself; "
            "expected groups without a loop",
        ],
    ),
    "a group's name with a hyphen": (
        {"hosts.yml": HOSTS + "docker-jobs:\n  hosts:\n    build-1:\n"},
        ['hosts.yml:12:1  docker-jobs  "docker-jobs" is no group name; expected letters, digits and _'],
    ),
    "a host called as a group": (
        {"hosts.yml": HOSTS.replace("build-1", "lab") + "lab:\n  hosts:\n    lab:\n"},
        [f"hosts.yml:5:9  {PRIMARY}.lab  a host and a group are both called so; expected a name of its own for each"],
    ),
    "variables of no group": (
        {"group_vars/runner.yml": "runner_mode: ephemeral\n"},
        [
            "group_vars/runner.yml:1:1  hosts.yml has no group runner; "
            "expected the variables of a group that is there; "
            "did you mean runners?"
        ],
    ),
    "variables of no host": (
        {"host_vars/build-11.yml": "runner_mode: ephemeral\n"},
        [
            "host_vars/build-11.yml:1:1  hosts.yml has no host build-11; "
            "expected the variables of a host that is there; "
            "did you mean build-1?"
        ],
    ),
    "a file and a folder of one group": (
        {RUNNERS_YML: "x_a: 1\n", "group_vars/runners/more.yml": "x_b: 1\n"},
        ["group_vars/runners/more.yml:1:1  group_vars/runners and group_vars/runners.yml: only one is read; "
            "expected one of the two"],
    ),
    "a file that nobody reads": (
        {"hosts.ini": "[web]\n"},
        [
            "hosts.ini:1:1  a file that nobody reads; "
            "expected hosts.yml, group_vars/<group>.yml or host_vars/<host>.yml"
        ],
    ),
    "an address as a host's name": (
        {"hosts.yml": HOSTS.replace("build-1", "10.0.0.7")},
        [
            f'hosts.yml:5:9  {PRIMARY}["10.0.0.7"]  an address where a name belongs; expected {HOST_RULE}; '
            "give it a name, and write ansible_host: 10.0.0.7 below it"
        ],
    ),
    "an address among peers": (
        {ALL_YML: ALL + "firewall_ssh_from: [bastion, 10.20.0.5]\n"},
        [f"{ALL_YML}:2:30  firewall_ssh_from[1]  the address 10.20.0.5 where a name belongs; expected {A_NAME}"],
    ),
    "an address in a URL": (
        {ALL_YML: ALL + "x_mirror: http://10.20.0.5/runner\n"},
        [f"{ALL_YML}:2:11  x_mirror  the address 10.20.0.5 where a name belongs; expected {A_NAME}"],
    ),
    "an address of version 6": (
        {ALL_YML: ALL + "firewall_ssh_from: ['fd00::5']\n"},
        [f"{ALL_YML}:2:21  firewall_ssh_from[0]  the address fd00::5 where a name belongs; expected {A_NAME}"],
    ),
    "a range of hosts": (
        {"hosts.yml": HOSTS.replace("build-1:", '"build[1:9]":')},
        [
            f'hosts.yml:5:9  {PRIMARY}["build[1:9]"]  a range of hosts; '
            "expected one host a line, so that each can be found, added and removed"
        ],
    ),
    "a host's name with an underscore": (
        {"hosts.yml": HOSTS.replace("build-1", "Build_1")},
        [f'hosts.yml:5:9  {PRIMARY}.Build_1  "Build_1" is no host name; expected {HOST_RULE}; did you mean build-1?'],
    ),
    "a list of hosts": (
        {"hosts.yml": HOSTS.replace("        build-1:", "        - build-1")},
        [f"hosts.yml:5:9  {PRIMARY}  a list; expected a mapping of hosts"],
    ),
    "no host": (
        {"hosts.yml": "# to come\n"},
        ["hosts.yml:1:1  there is no host; expected at least one host in a group"],
    ),
    "a variable that is nowhere": (
        {RUNNERS_YML: "x_site: eu\nrunner_labels: [deploy, '{{ x_sight }}']\n"},
        [
            f"{RUNNERS_YML}:2:25  runner_labels[1]  'x_sight' is undefined (for build-1); "
            "expected variables that the host has; did you mean x_site?"
        ],
    ),
    "broken Jinja": (
        {RUNNERS_YML: "runner_name: '{{ inventory_hostname'\n"},
        [
            f"{RUNNERS_YML}:1:14  runner_name  unexpected end of template, expected 'end of print statement' "
            "(for build-1); expected a Jinja expression that gives a value"
        ],
    ),
    "Jinja that is none": (
        {RUNNERS_YML: "ansible_ssh_common_args: !unsafe '{{ x }}'\n"},
        [
            f"{RUNNERS_YML}:1:26  ansible_ssh_common_args  Jinja is left in the value (for build-1); "
            "expected a value without {{ or {%"
        ],
    ),
    "a resolved value that does not fit": (
        {"host_vars/build-1.yml": "x_port: '2222'\nansible_port: '{{ x_port }}'\n"},
        [
            'host_vars/build-1.yml:2:15  ansible_port  "2222" is text (from "{{ x_port }}", for build-1); '
            f"expected {PORT}; append `| int` to the expression"
        ],
    ),
    "an environment variable that is not set": (
        {"host_vars/build-1.yml": "ansible_host: \"{{ lookup('env', 'POINTSMAN_TEST_UNSET') }}\"\n"},
        [
            "host_vars/build-1.yml:1:15  ansible_host  the environment variable POINTSMAN_TEST_UNSET is not set "
            "(for build-1); expected POINTSMAN_TEST_UNSET in the environment, "
            "or a default: lookup('env', …, default=…); "
            "export POINTSMAN_TEST_UNSET=…"
        ],
    ),
    "a lookup that runs a command": (
        {RUNNERS_YML: "runner_name: \"{{ lookup('pipe', 'date') }}\"\n"},
        [
            f"{RUNNERS_YML}:1:14  runner_name  the lookup pipe, whose answer may change unseen; expected {ONLY_ENV}"
        ],
    ),
    "a lookup by a made-up name": (
        {RUNNERS_YML: "runner_name: \"{{ lookup('pi' ~ 'pe', 'date') }}\"\n"},
        [f"{RUNNERS_YML}:1:14  runner_name  the lookup pi, whose answer may change unseen; expected {ONLY_ENV}"],
    ),
    "a password in clear": (
        {ALL_YML: ALL + "ansible_become_password: hunter2\n"},
        [
            f"{ALL_YML}:2:1  ansible_become_password  a secret in clear; "
            "expected a value that is encrypted by `ansible-vault encrypt_string`, or lookup('env', …); "
            "change the secret as well: this file was read by others"
        ],
    ),
    "a vault without its password": (
        {"group_vars/all.yml": ALL + "ansible_become_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  61\n"},
        [
            f"{ALL_YML}:2:26  ansible_become_password  the value is encrypted, and there is no password; "
            "expected ANSIBLE_VAULT_PASSWORD_FILE, naming a file that holds the vault's password"
        ],
    ),
    "a vaulted file without its password": (
        {RUNNERS_YML: "$ANSIBLE_VAULT;1.1;AES256\n6162\n"},
        [
            f"{RUNNERS_YML}:1:1  the file is encrypted, and there is no password; "
            "expected ANSIBLE_VAULT_PASSWORD_FILE, naming a file that holds the vault's password"
        ],
    ),
    "half a package": (
        {"host_vars/build-1.yml": "runner_package_url: https://mirror.example.org/runner.tgz\n"},
        [
            "host_vars/build-1.yml:1:21  runner_package_url  "
            "runner_package_sha256 and runner_package_version of the package are missing; "
            "expected all of runner_package_url, runner_package_sha256, runner_package_version, or none"
        ],
    ),
    "two exporters on one port": (
        {RUNNERS_YML: "exporters_runner_port: 9100\n"},
        [
            f"{RUNNERS_YML}:1:24  exporters_runner_port  both exporters take the same port 9100; "
            "expected a port of its own for each"
        ],
    ),
    "no account": (
        {ALL_YML: ""},
        [
            f"hosts.yml:5:9  {PRIMARY}.build-1  ansible_user is missing for build-1, build-2; "
            "expected the account that plays log in with; write it in group_vars/all.yml"
        ],
    ),
    "an empty value": (
        {RUNNERS_YML: "runner_profile:\n"},
        [
            f"{RUNNERS_YML}:1:1  runner_profile  nothing is written; expected a value; "
            "leave the key out to have its default"
        ],
    ),
    "a port out of range": (
        {"host_vars/build-1.yml": "ansible_port: 70000\n"},
        [f"host_vars/build-1.yml:1:15  ansible_port  70000 is out of range; expected {PORT}"],
    ),
    "no YAML": (
        {RUNNERS_YML: "runner_labels: [deploy\nrunner_mode: ephemeral\n"},
        [f"{RUNNERS_YML}:2:12  a list in brackets is not closed; expected `,` or `]`"],
    ),
}  # fmt: skip
