"""
Calls that only ask whether they would be allowed. EC2 and KMS answer with an error that says so, and change nothing; LocalEmu ignores
the wish in most of its operations and does what was not asked for.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html#DryRun
https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
"""

from localemu.aws.api import CommonServiceException, RequestContext

from ..kms_keys import find_key


def end_dry_run(request: RequestContext) -> None:
    """Called when a request is allowed; raises when it was only a question."""
    if request.service is None or not (request.service_request or {}).get("DryRun"):
        return
    service = request.service.service_name
    if service == "ec2":
        raise CommonServiceException("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412, True)
    if service == "kms":
        refuse_unusable_key(request)
        raise CommonServiceException(
            "DryRunOperationException", "The request would have succeeded, but the DryRun option is set.", 400, True
        )


def refuse_unusable_key(request: RequestContext) -> None:
    """A key that is missing, disabled or on its way out is refused in a dry run as well."""
    name = request.service_request.get("KeyId")
    if not name:
        return
    key = find_key(name, request.account_id, request.region)
    if key is None:
        raise CommonServiceException("NotFoundException", f"Key '{name}' does not exist", 400, True)
    state = key.metadata["KeyState"]
    if state == "Disabled":
        raise CommonServiceException("DisabledException", f"{key.metadata['Arn']} is disabled.", 400, True)
    if state != "Enabled":
        raise CommonServiceException("KMSInvalidStateException", f"{key.metadata['Arn']} is pending deletion.", 400, True)
