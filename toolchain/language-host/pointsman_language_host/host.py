"""The language protocol: each call of the engine, answered."""

import os
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import grpc

from pointsman_language_host import __version__, install, packages, programs
from pointsman_language_host.children import Children
from pointsman_language_host.options import HostError, Project, for_plugin, parse_project
from pointsman_language_host.output import Engine, forward_chunks, forward_lines
from pointsman_language_host.protocol import empty_pb2, language_pb2, language_pb2_grpc, plugin_pb2

BAIL = 32
"""The program has told the user what is wrong (pulumi-language-python-exec's agreement with its host)."""

Call = TypeVar("Call", bound=Callable[..., Any])


def project_of(info: Any) -> Project:
    """The project that a call is about. Raises HostError."""
    return parse_project(info.root_directory, info.program_directory, info.entry_point, dict(info.options))


def tells_mistakes(call: Call) -> Call:
    """A HostError becomes the call's error, as it stands."""

    @wraps(call)
    def wrapper(self: "LanguageHost", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return call(self, request, context)
        except HostError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    return cast(Call, wrapper)


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Pulumi's language runtime for Python.

    `engine` is the engine's address (it may come later, by Handshake), `executor` the path of
    `pulumi-language-python-exec`; `stop` is called, once, when the engine asks the host to end.
    """

    def __init__(self, engine: str, executor: Path, stop: Callable[[], None]) -> None:
        self._engine = engine
        self._executor = executor
        self._stop = stop
        self.children = Children()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The engine says where it is."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The host's version."""
        return plugin_pb2.PluginInfo(version=__version__)

    @tells_mistakes
    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The plugins that the program's installed Pulumi packages need."""
        interpreter = packages.ask_interpreter(project_of(request.info), os.environ)
        found = packages.required_packages(packages.distributions(interpreter.path))
        return language_pb2.GetRequiredPackagesResponse(packages=[_dependency(package) for package in found])

    @tells_mistakes
    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The Python that runs the program."""
        interpreter = packages.ask_interpreter(project_of(request.info), os.environ)
        return language_pb2.AboutResponse(
            executable=interpreter.executable,
            version=interpreter.version,
            metadata={"languageHost": f"pointsman_language_host {__version__}"},
        )

    @tells_mistakes
    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The distributions that are installed for the program."""
        interpreter = packages.ask_interpreter(project_of(request.info), os.environ)
        found = packages.dependencies(interpreter.path, request.transitiveDependencies)
        infos = [language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        return language_pb2.GetProgramDependenciesResponse(dependencies=infos)

    @tells_mistakes
    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:
        """What `pulumi new` asks: only the virtual environment, there being one toolchain."""
        if project_of(request.info).virtualenv:
            return language_pb2.RuntimeOptionsResponse()
        prompt = language_pb2.RuntimeOptionPrompt
        value = prompt.RuntimeOptionValue(promptType=prompt.STRING, stringValue="venv", displayName="venv")
        question = prompt(
            key="virtualenv",
            description="The virtual environment to use",
            promptType=prompt.STRING,
            choices=[value],
            default=value,
        )
        return language_pb2.RuntimeOptionsResponse(prompts=[question])

    def Template(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Nothing is to be rewritten in a new project that uses pip."""
        return language_pb2.TemplateResponse()

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Makes the virtual environment and installs the requirements; streams what the commands say."""
        try:
            project = project_of(request.info)
            for step in install.steps(for_plugin(project) if request.is_plugin else project, os.environ):
                yield language_pb2.InstallDependenciesResponse(stdout=f"{step.title}\n".encode())
                yield from self._install(step, context)
        except HostError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    def _install(self, step: install.Step, context: grpc.ServicerContext) -> Iterator[Any]:
        running = self.children.start(step.command)
        context.add_callback(running.stop_soon)
        with running as child:
            for item in forward_chunks(child):
                if not isinstance(item, int):
                    yield language_pb2.InstallDependenciesResponse(**{item[0]: item[1]})
                elif item != 0:
                    raise HostError(f"`{' '.join(step.command.argv)}` in {step.command.cwd} exited with code {item}")

    @tells_mistakes
    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Runs a program; its output goes to the engine."""
        project = project_of(request.info)
        if request.attach_debugger:
            raise HostError("this language host attaches no debugger; use the official pulumi-language-python for that")
        command = programs.program_command(project, _run_of(request, self._engine), self._executor, os.environ)
        engine = Engine(self._engine)
        try:
            if project.typechecker:
                engine.log(
                    f"runtime.options.typechecker: {project.typechecker} is not run by this language host", "WARNING"
                )
            running = self.children.start(command)
            context.add_callback(running.stop_soon)
            with running as child:
                code = forward_lines(child, engine)
        finally:
            engine.close()
        if code == BAIL:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=_failure(code))

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Runs a provider or policy pack for as long as the engine listens; streams its output, then its exit code."""
        try:
            if request.attach_debugger:
                raise HostError(
                    "this language host attaches no debugger; use the official pulumi-language-python for that"
                )
            env = programs.parse_environment(request.env) or dict(os.environ)
            project = for_plugin(project_of(request.info))
            command = programs.plugin_command(project, request.kind, request.pwd, request.args, env)
            running = self.children.start(command)
        except HostError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        context.add_callback(running.stop_soon)
        with running as child:
            for item in forward_chunks(child):
                if isinstance(item, int):
                    yield language_pb2.RunPluginResponse(exitcode=item)
                elif item[0] == "stdout":
                    yield language_pb2.RunPluginResponse(stdout=item[1])
                else:
                    yield language_pb2.RunPluginResponse(stderr=item[1])

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Ends what runs, and the host."""
        threading.Thread(target=self._stop, daemon=True).start()
        return empty_pb2.Empty()

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> None:
        """Replaced by GetRequiredPackages, in the engine and in the official host."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "GetRequiredPlugins is deprecated: call GetRequiredPackages")

    def _only_official(self, request: Any, context: grpc.ServicerContext) -> None:
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            "this host only runs programs; to generate, pack or link Python code, use the official host",
        )

    GenerateProgram = GenerateProject = GeneratePackage = Pack = Link = _only_official


def _failure(code: int) -> str:
    if code == 0:
        return ""
    if code > 128:
        return f"the program was ended by signal {code - 128}"
    return f"the program exited with code {code}; what it said is in the diagnostics above"


def _run_of(request: Any, engine: str) -> programs.Run:
    return programs.Run(
        project=request.project,
        stack=request.stack,
        organization=request.organization,
        pwd=request.pwd,
        monitor=request.monitor_address,
        engine=engine,
        parallel=request.parallel,
        dry_run=request.dryRun,
        config=request.config,
        secret_keys=request.configSecretKeys,
        args=request.args,
    )


def _dependency(package: packages.Package) -> Any:
    def parameterization(value: packages.Parameterization | None) -> Any:
        if value is None:
            return None
        return plugin_pb2.PackageParameterization(name=value.name, version=value.version, value=value.value)

    return plugin_pb2.PackageDependency(
        name=package.name,
        kind="resource",
        version=package.version,
        server=package.server,
        parameterization=parameterization(package.parameterization),
        extension=parameterization(package.extension),
    )
