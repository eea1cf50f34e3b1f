"""
What an instance's console shows. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-unreachable-instance.html says that the
newest output is served for instances on the Nitro system alone, and that bare metal and Arm instances have no screenshot.
"""

import base64
import re
from typing import Any

from localemu.utils.patch import patch
from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response
from moto.ec2.responses.general import General

from .errors import error

#: Families that came before Nitro.
OLDER = re.compile(r"(t[12]|m[1-4]|c[134]|r[34]|i2|d2|h1|hs1|x1e?|p[23]|g[23]s?|f1|cr1|cc2)\.")
#: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html: a g behind the generation is Arm.
WITHOUT_SCREEN = re.compile(r"((a1|[a-z]+\d+g[a-z]*)\.|.*\.metal)")
#: The smallest picture that is a JPEG: one grey dot.
SCREEN = base64.b64decode(
    "/9j/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k="
)


def install() -> None:
    """LocalEmu has no screenshot."""
    EC2Response.get_console_screenshot = get_console_screenshot
    patch(General.get_console_output)(get_console_output)


def get_console_output(fn: Any, self: Any) -> ActionResult:
    """`Latest` is refused where the hypervisor cannot give it."""
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    if str(self._get_param("Latest")).lower() == "true" and OLDER.match(instance.instance_type):
        raise error(
            "UnsupportedOperation", f"This instance type ({instance.instance_type}) does not support retrieving the latest console logs."
        )
    return fn(self)


def get_console_screenshot(self: Any) -> ActionResult:
    """Of a running instance."""
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    if WITHOUT_SCREEN.match(instance.instance_type):
        raise error("UnsupportedOperation", f"The instance type {instance.instance_type} does not support console screenshots.")
    if instance.state != "running":
        raise error("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'running' state.")
    self.error_on_dryrun()
    return ActionResult({"InstanceId": instance.id, "ImageData": base64.b64encode(SCREEN).decode()})
