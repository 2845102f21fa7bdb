"""The language host under the real engine: programs, dynamic resources, plugins, policy packs, failures, cancel."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.toolchain.conftest import Workspace

DYNAMIC = """
import pulumi, uuid
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Provider(ResourceProvider):
    def create(self, inputs):
        return CreateResult(uuid.uuid4().hex, {"doubled": inputs["number"] * 2})

class Doubled(Resource):
    doubled: pulumi.Output[int]
    def __init__(self, name, number):
        super().__init__(Provider(), name, {"number": number, "doubled": None})

pulumi.export("doubled", Doubled("d", 21).doubled)
"""

PROVIDER = """
import os, pathlib, sys
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import *
from pulumi.provider.experimental.server import main

(pathlib.Path(__file__).parent / "pids" / str(os.getpid())).touch()

class Trial(Provider):
    async def check_config(self, request):
        return CheckResponse(inputs=request.new_inputs)
    async def configure(self, request):
        return ConfigureResponse(supports_preview=True)
    async def get_schema(self, request):
        return GetSchemaResponse(schema='{"name": "trial", "version": "0.1.0"}')
    async def check(self, request):
        return CheckResponse(inputs=request.new_inputs)
    async def diff(self, request):
        return DiffResponse(changes=False, diffs=[])
    async def create(self, request):
        return CreateResponse(resource_id="made", properties={**request.properties, "made": PropertyValue("yes")})
    async def delete(self, request):
        pass

main(sys.argv[1:], "0.1.0", Trial())
"""

USES_PROVIDER = """
import pulumi

class Thing(pulumi.CustomResource):
    made: pulumi.Output[str]
    def __init__(self, name):
        super().__init__("trial:index:Thing", name, {"made": None})

pulumi.export("made", Thing("t").made)
"""

# The protocol's own stubs: what `pulumi_policy` builds on, without a dependency of its own.
POLICY_PACK = """
from concurrent.futures import ThreadPoolExecutor
import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2 as pb, analyzer_pb2_grpc as rpc, plugin_pb2

class Pack(rpc.AnalyzerServicer):
    def Handshake(self, request, context):
        return pb.AnalyzerHandshakeResponse()
    def ConfigureStack(self, request, context):
        return pb.AnalyzerStackConfigureResponse()
    def Configure(self, request, context):
        return empty_pb2.Empty()
    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="0.0.1")
    def GetAnalyzerInfo(self, request, context):
        rule = pb.PolicyInfo(name="no-stacks", description="d", enforcementLevel=pb.MANDATORY)
        return pb.AnalyzerInfo(name="trial", version="0.0.1", policies=[rule])
    def Analyze(self, request, context):
        found = pb.AnalyzeDiagnostic(policyName="no-stacks", policyPackName="trial", policyPackVersion="0.0.1",
            message="stacks are not wanted", enforcementLevel=pb.MANDATORY, urn=request.urn)
        return pb.AnalyzeResponse(diagnostics=[found])
    def AnalyzeStack(self, request, context):
        return pb.AnalyzeResponse()
    def Remediate(self, request, context):
        return pb.RemediateResponse()

server = grpc.server(ThreadPoolExecutor(4))
rpc.add_AnalyzerServicer_to_server(Pack(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""

WAITS = """
import os, pathlib, subprocess, time, pulumi
child = subprocess.Popen(["sleep", "300"])
for pid in (os.getpid(), os.getppid(), child.pid):
    pathlib.Path({pids!r}, str(pid)).touch()
time.sleep(300)
"""


def test_up_shows_what_a_program_prints_and_destroy_ends_it(workspace: Workspace) -> None:
    """Outputs arrive, prints of both streams are diagnostics that fail nothing, and a second up and a destroy work."""
    workspace.program("import sys, pulumi\nprint('said')\nprint('warned', file=sys.stderr)\npulumi.export('a', 1)\n")
    workspace.up()
    assert workspace.outputs() == {"a": 1}
    assert sorted((severity, text.strip()) for severity, text in workspace.diagnostics()) == [
        ("info", "said"),
        ("info", "warned"),
    ]
    workspace.pulumi("preview", "--expect-no-changes")
    workspace.pulumi("destroy", "--yes")


def test_config_and_secrets_reach_the_program(workspace: Workspace) -> None:
    """A secret is a secret to the program, and shown to nobody."""
    workspace.program(
        "import pulumi as p\nc = p.Config()\np.export('a', c.require('a'))\np.export('s', c.require_secret('s'))\n"
    )
    workspace.pulumi("config", "set", "a", "plain")
    workspace.pulumi("config", "set", "--secret", "s", "hidden")
    assert "hidden" not in workspace.up().stdout
    assert workspace.outputs() == {"a": "plain", "s": "[secret]"}


def test_a_program_that_raises_is_an_error_with_its_traceback(workspace: Workspace) -> None:
    """The user sees the exception and the line, once, and `up` fails; the host adds no error of its own."""
    workspace.program("import pulumi\n\ndef broken():\n    raise ValueError('no such thing')\n\nbroken()\n")
    done = workspace.up(check=False)
    assert done.returncode != 0
    errors = [text for severity, text in workspace.diagnostics() if severity == "error"]
    assert len(errors) == 1
    assert "ValueError: no such thing" in errors[0]
    assert "line 4, in broken" in errors[0]


def test_a_program_that_exits_is_an_error_that_names_the_code(workspace: Workspace) -> None:
    """Without an exception there is no traceback; the exit code is all there is to say."""
    workspace.program("import os\nprint('last words')\nos._exit(9)\n")
    done = workspace.up(check=False)
    assert done.returncode != 0
    assert "the program exited with code 9" in done.stdout
    assert "last words" in done.stdout


def test_a_missing_virtualenv_says_how_to_make_it(workspace: Workspace) -> None:
    """The first thing that a new clone meets is a message with a remedy."""
    workspace.program("import pulumi\n", virtualenv=".venv")
    done = workspace.up(check=False)
    assert done.returncode != 0
    for part in (f"{workspace.project}/.venv", "does not exist", "pulumi install"):
        assert part in done.stdout


def test_main_in_a_directory_of_its_own(workspace: Workspace) -> None:
    """`main: stacks` starts there, while the virtual environment's path still starts at Pulumi.yaml."""
    workspace.program("raise SystemExit('not this one')\n", settings="main: stacks\n", virtualenv=".venv")
    (workspace.project / ".venv").symlink_to(sys.prefix)
    workspace.write("stacks/__main__.py", "import os, pulumi\npulumi.export('here', os.path.basename(os.getcwd()))\n")
    workspace.up()
    assert workspace.outputs() == {"here": "stacks"}


def test_a_dynamic_resource_lives_and_dies(workspace: Workspace) -> None:
    """The helper for dynamic providers, beside the launcher, is found and uses the program's virtual environment."""
    workspace.program(DYNAMIC)
    workspace.up()
    assert workspace.outputs() == {"doubled": 42}
    workspace.pulumi("preview", "--expect-no-changes")
    workspace.pulumi("destroy", "--yes")


def test_a_local_provider_plugin_is_run_and_ended(workspace: Workspace, all_gone: Any) -> None:
    """A provider named by path creates; a second run changes nothing; no plugin is left when the CLI is done."""
    workspace.program(USES_PROVIDER, settings="plugins: {providers: [{name: trial, path: plugin}]}\n")
    workspace.write("plugin/PulumiPlugin.yaml", f"runtime: {{name: python, options: {{virtualenv: {sys.prefix!r}}}}}\n")
    workspace.write("plugin/__main__.py", PROVIDER)
    (workspace.project / "plugin" / "pids").mkdir()
    workspace.up()
    assert workspace.outputs() == {"made": "yes"}
    workspace.pulumi("preview", "--expect-no-changes")
    pids = [int(path.name) for path in (workspace.project / "plugin" / "pids").iterdir()]
    assert pids
    assert all_gone(pids, 2.0)


def test_a_policy_pack_s_violation_fails_the_preview(workspace: Workspace) -> None:
    """A pack is started by `pulumi.policy` and what it reports is shown."""
    workspace.program("import pulumi\n")
    workspace.write("pack/PulumiPolicy.yaml", f"runtime: {{name: python, options: {{virtualenv: {sys.prefix!r}}}}}\n")
    workspace.write("pack/__main__.py", POLICY_PACK)
    done = workspace.pulumi("preview", "--policy-pack", "pack", check=False)
    assert done.returncode != 0
    assert "stacks are not wanted" in done.stdout


def test_ctrl_c_and_kill_leave_no_process(workspace: Workspace, processes: Any, all_gone: Any) -> None:
    """SIGINT in the middle of a run ends CLI, host, program and the program's child; so does SIGKILL of the CLI."""
    pids = workspace.root.parent / "pids"
    workspace.program(WAITS.format(pids=str(pids)))
    for number in (signal.SIGINT, signal.SIGKILL):
        cli = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
            cwd=workspace.project,
            env=workspace.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running = processes(3)
        cli.send_signal(number)
        assert cli.wait(20) != 0
        assert all_gone(running)
        for path in pids.iterdir():
            path.unlink()
        workspace.pulumi("cancel", "--yes", check=False)


def test_two_stacks_at_a_time(workspace: Workspace) -> None:
    """Hosts share nothing: two runs of one project at once keep their outputs and their diagnostics apart."""
    workspace.program(
        "import pulumi, time\ntime.sleep(1)\nprint('of', pulumi.get_stack())\npulumi.export('s', pulumi.get_stack())\n"
    )
    workspace.pulumi("stack", "init", "other")
    command = ["up", "--yes", "--skip-preview", "--stack"]
    with ThreadPoolExecutor(2) as pool:
        said = dict(
            zip(
                ("dev", "other"),
                pool.map(lambda name: workspace.pulumi(*command, name).stdout, ("dev", "other")),
                strict=True,
            )
        )
    assert "of dev" in said["dev"]
    assert "of other" not in said["dev"]
    assert "of other" in said["other"]


def test_about_names_the_program_s_python(workspace: Workspace) -> None:
    """`pulumi about` shows the virtual environment's interpreter and the distributions in it."""
    workspace.program("import pulumi\n")
    done = workspace.pulumi("about")
    assert f"{sys.prefix}/bin/python" in done.stdout
    assert "pytest" in done.stdout
