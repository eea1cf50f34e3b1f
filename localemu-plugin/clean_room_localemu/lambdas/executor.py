"""One Node process for each Lambda execution environment, kept for the next invocation as Lambda keeps them."""

import json
import subprocess
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from localemu.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localemu.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from ..settings import port, settings
from . import clock

RUNTIMES = ("nodejs22.x", "nodejs24.x")
BOOTSTRAP = Path(__file__).with_name("bootstrap.cjs")
#: Starts a line that the bootstrap itself wrote; every other line is the function's log.
REPLY_MARK = b"\x01clean-room-reply "
MAX_LOG_LINES = 10_000


class Process:
    """A running bootstrap. Replies arrive in order, since an environment runs one invocation at a time."""

    def __init__(self, env: dict[str, str], code: Path) -> None:
        self.replies: Queue[dict[str, Any] | None] = Queue()
        self.lines: list[str] = []
        self._child = subprocess.Popen(
            [settings().node, f"--max-old-space-size={env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']}", BOOTSTRAP, settings().exchange_log_file],
            env=env,
            cwd=code,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._read, name="lambda-output", daemon=True).start()

    def _read(self) -> None:
        assert self._child.stdout
        for line in self._child.stdout:
            # A function may have written without a newline before the reply.
            before, mark, reply = line.partition(REPLY_MARK)
            if before and len(self.lines) < MAX_LOG_LINES:
                self.lines.append(before.decode("utf-8", "replace").rstrip("\n") + "\n")
            if mark:
                self.replies.put(json.loads(reply))
        self.replies.put(None)

    def send(self, request: dict[str, Any]) -> None:
        """Raises BrokenPipeError when the process has ended."""
        assert self._child.stdin
        self._child.stdin.write(json.dumps(request).encode() + b"\n")
        self._child.stdin.flush()

    def alive(self) -> bool:
        return self._child.poll() is None

    def exit_status(self) -> str:
        """As Lambda words it. Only called after the output has ended."""
        code = self._child.wait()
        return f"signal: {-code}" if code < 0 else f"exit status {code}"

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()


class NodeExecutor(RuntimeExecutor):
    """What LocalEmu asks of an executor."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._process: Process | None = None
        self._env: dict[str, str] = {}
        self._code = Path()

    def start(self, env_vars: dict[str, str]) -> None:
        """Raises ValueError for a runtime that is not Node."""
        config = self.function_version.config
        if config.runtime not in RUNTIMES:
            raise ValueError(
                f"Function {self.function_version.id.function_name}: runtime {config.runtime} cannot run here; use one of {', '.join(RUNTIMES)}."
            )
        config.code.prepare_for_execution()
        self._code = config.code.get_unzipped_code_location()
        self._env = {
            "PATH": str(settings().node.parent),
            "LANG": "en_US.UTF-8",
            "TMPDIR": self._scratch(),
            **{name: str(value) for name, value in env_vars.items() if not name.startswith("LOCALEMU_")},
            "LAMBDA_TASK_ROOT": str(self._code),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.runtime}",
            "TZ": "UTC",
        }
        self._process = Process(self._env, self._code)

    def _scratch(self) -> str:
        """The environment's own counterpart of /tmp."""
        folder = settings().state_directory / "lambda-tmp" / self.id
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    def stop(self) -> None:
        if self._process:
            self._process.kill()

    def invoke(self, payload: dict[str, str], function_timeout: int | None = None) -> InvocationResult:
        """Runs one invocation. A process that crashed or timed out is replaced by a fresh one at the next invocation."""
        request_id, seconds = payload["invoke-id"], function_timeout or 3
        if self._process is None or not self._process.alive():
            self._process = Process(self._env, self._code)
        process = self._process
        process.lines.clear()
        try:
            process.send(
                {
                    "requestId": request_id,
                    "functionArn": payload["invoked-function-arn"],
                    "event": payload["payload"],
                    "timeoutMs": seconds * 1000,
                    "aheadMs": clock.seconds_ahead * 1000,
                }
            )
            reply = process.replies.get(timeout=seconds)
        except BrokenPipeError:
            reply = None
        except Empty:
            process.kill()
            reply = {
                "error": {
                    "errorType": "Sandbox.Timedout",
                    "errorMessage": f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
                }
            }
        if reply is None:
            reply = {
                "error": {
                    "errorType": "Runtime.ExitError",
                    "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: {process.exit_status()}",
                }
            }
        if reply.get("exits"):
            # It is on its way out; the next invocation must not be given to it.
            process.kill()
        failed = "error" in reply
        body = json.dumps(reply["error"]) if failed else reply["result"]
        log = "".join(
            [
                f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}\n",
                *process.lines,
                f"END RequestId: {request_id}\n",
            ]
        )
        return InvocationResult(request_id=request_id, payload=body.encode(), is_error=failed, logs=log)

    def get_logs(self) -> str:
        return "".join(self._process.lines) if self._process else ""

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return f"http://127.0.0.1:{port()}"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        if function_version.config.code:
            function_version.config.code.destroy_cached()
