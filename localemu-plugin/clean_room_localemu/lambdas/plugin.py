"""The entry point that makes `LAMBDA_RUNTIME_EXECUTOR=clean-room` run functions as local processes."""

from localemu.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class NodeExecutorPlugin(RuntimeExecutorPlugin):
    """Found by name; loaded when the first function is made."""

    name = "clean-room"

    def load(self, *args: object, **kwargs: object) -> type:
        """Returns the executor class. Imported here, since LocalEmu lists plug-ins before it can import its services."""
        from .executor import NodeExecutor

        return NodeExecutor
