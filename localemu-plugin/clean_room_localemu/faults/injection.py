"""Meets the calls from outside with the faults that are planned for them. Calls between services go undisturbed."""

import logging
import threading
import time
from typing import Any

from localemu.aws.api import CommonServiceException, RequestContext
from localemu.http import Response

from ..call_log import principal
from . import staleness
from .buckets import Buckets
from .plan import KINDS, Fault

LOG = logging.getLogger(__name__)


class Plan:
    """The faults that are set; safe for all threads."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.buckets: Buckets | None = None
        self._lock = threading.Lock()

    def set(self, faults: list[Fault], throttling: bool) -> None:
        """In place of all before; counting begins anew."""
        with self._lock:
            self.faults = faults
            self.buckets = Buckets() if throttling else None

    def find(self, request: RequestContext) -> Fault | None:
        """The first fault that is for this call; all that fit count it."""
        service, operation = request.service.service_name, request.operation.name
        with self._lock:
            if not self.faults:
                return None
            caller = principal(request)
            met = [each for each in self.faults if each.fits(service, operation, caller) and each.count()]
            met = [each for each in met if each.kind != "stale" or staleness.is_read(operation)]
            if met:
                met[0].hits += 1
            return met[0] if met else None

    def remembers(self) -> bool:
        """Whether reads may have to be answered as before."""
        return any(each.kind == "stale" for each in self.faults)


PLAN = Plan()


def install() -> None:
    """The services stand between the two handlers; the connection is kept at hand to be cut."""
    from localemu.aws import handlers
    from rolo.serving import twisted as serving

    describe = serving.update_wsgi_environment

    def describe_with_connection(environ: dict[str, Any], request: Any) -> None:
        describe(environ, request)
        environ["clean_room.connection"] = request

    serving.update_wsgi_environment = describe_with_connection
    handlers.serve_custom_service_request_handlers.append(meet_request)
    handlers.run_custom_response_handlers.append(meet_response)


def meet_request(chain: Any, request: RequestContext, response: Response) -> None:
    """Before the service."""
    if request.is_internal_call or request.service is None or request.operation is None:
        return
    params = request.service_request or {}
    buckets = PLAN.buckets
    if buckets and not buckets.admits(request.account_id, request.region, request.service.service_name, request.operation.name, params):
        raise throttled(request)
    fault = PLAN.find(request)
    if fault is None:
        return
    request.clean_room_fault = fault
    LOG.info("Fault %s meets call %d of %s", fault.text, fault.calls, principal(request))
    if fault.kind == "stale":
        answer_stale(chain, request, response, fault)
    elif KINDS[fault.kind] == "instead":
        refuse_or_cut(chain, request, response, fault)


def refuse_or_cut(chain: Any, request: RequestContext, response: Response, fault: Fault) -> None:
    """In place of the service."""
    if fault.kind == "throttle":
        raise throttled(request)
    if fault.kind == "deny":
        from ..iam.authorization import refuse
        from ..iam.needs import needs

        need = needs(request.service.service_name, request.operation.name, request.service_request, request.region, request.account_id)[0]
        refuse(
            request,
            f"User: {principal(request)} is not authorized to perform: {need.action} on resource: {need.resource} "
            "with an explicit deny in a service control policy",
        )
    if fault.kind == "error":
        code = "InternalError" if request.service.service_name in ("ec2", "s3", "sqs", "sns") else "InternalFailure"
        raise CommonServiceException(code, "An internal error has occurred.", status_code=500)
    cut(request)
    response.status_code = 503
    chain.terminate()


def answer_stale(chain: Any, request: RequestContext, response: Response, fault: Fault) -> None:
    """As before the last write, where it is known; otherwise the service answers."""
    answer = None if staleness.is_consistent(request) else staleness.answer_of_before(request, fault.seconds)
    if isinstance(answer, str):
        raise CommonServiceException(answer, "The resource does not exist (a read before its write is seen).", status_code=400)
    if answer is not None:
        response.update_from(answer)
        chain.stop()


def meet_response(_chain: Any, request: RequestContext, response: Response) -> None:
    """After the service."""
    if request.service is None or request.operation is None:
        return
    fault: Fault | None = getattr(request, "clean_room_fault", None)
    if PLAN.remembers() and fault is None and response.status_code < 300 and not response.is_streamed:
        staleness.remember(request, response)
    if fault is None or KINDS[fault.kind] != "after":
        return
    if fault.kind == "slow":
        time.sleep(fault.seconds or 0)
    elif fault.kind == "lost-reply":
        cut(request)
    else:
        body = response.get_data()
        response.set_data(body[: len(body) // 2] + b"\x00<not to be read")


def cut(request: RequestContext) -> None:
    """Ends the connection without a reply."""
    from twisted.internet import reactor

    connection = request.request.environ["clean_room.connection"]
    reactor.callFromThread(connection.channel.forceAbortClient)


def throttled(request: RequestContext) -> CommonServiceException:
    """The service's own kind of refusal."""
    service, protocol = request.service.service_name, request.service.protocol
    code, status = {
        "ec2": ("RequestLimitExceeded", 503),
        "s3": ("SlowDown", 503),
        "lambda": ("TooManyRequestsException", 429),
        "elb": ("Throttling", 400),
        "elbv2": ("ThrottlingException", 400),
    }.get(service, ("ThrottlingException" if protocol in ("json", "rest-json") else "Throttling", 400))
    return CommonServiceException(code, "Rate exceeded", status_code=status)
