"""
Sample findings as AWS makes them: marked as samples, about an instance that no account has. LocalEmu's name an instance of any id and bear
no mark, so that nobody who reads them could tell.

https://docs.aws.amazon.com/guardduty/latest/ug/sample_findings.html
"""

from typing import Any

from localemu.utils.patch import patch

SAMPLE_INSTANCE = "i-99999999"


def install() -> None:
    """Corrects what CreateSampleFindings makes; LocalEmu puts it on the event bus."""
    from localemu.services.guardduty import findings_store

    patch(findings_store._synthesize_finding)(synthesize)


def synthesize(fn: Any, finding_type: str, **about: Any) -> dict[str, Any]:
    finding = fn(finding_type, **about)
    finding["Title"] = f"[SAMPLE] {finding['Title']}"
    finding["Service"]["AdditionalInfo"] = {"Sample": True, "Value": '{"sample":true}', "Type": "default"}
    details = finding["Resource"].get("InstanceDetails")
    if details:
        details["InstanceId"] = SAMPLE_INSTANCE
    return finding
