"""Sets and shows the faults, at /_localemu/clean-room/faults on the loopback interface, or through CLEAN_ROOM_FAULTS at the start."""

import json
import os
from typing import Any

from localemu.http import Request, Resource, Response

from .injection import PLAN
from .plan import parse

PATH = "/_localemu/clean-room/faults"


def install() -> None:
    """Raises ValueError for a fault in the environment that cannot be read."""
    from localemu.services.internal import get_internal_apis

    PLAN.set([parse(each) for each in os.environ.get("CLEAN_ROOM_FAULTS", "").split()], os.environ.get("CLEAN_ROOM_THROTTLING") == "1")
    get_internal_apis().add(Resource(PATH, Control()))


class Control:
    """{faults: [{fault, calls, hits}], throttling: boolean}."""

    def on_get(self, _request: Request) -> Response:
        """Shows what is set and what it met."""
        faults = [{"fault": each.text, "calls": each.calls, "hits": each.hits} for each in PLAN.faults]
        return _json({"faults": faults, "throttling": PLAN.buckets is not None})

    def on_put(self, request: Request) -> Response:
        """Takes {faults: [text], throttling: boolean} in place of what was set."""
        try:
            asked = json.loads(request.get_data() or b"{}")
            PLAN.set([parse(each) for each in asked.get("faults", [])], bool(asked.get("throttling")))
        except (ValueError, TypeError, AttributeError) as error:
            return _json({"error": str(error)}, 400)
        return self.on_get(request)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")
