"""
Quotas that the program asks for, with the values AWS documents as its defaults; LocalEmu knows those of VPC alone.

https://docs.aws.amazon.com/general/latest/gr/ec2-service.html https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html
"""

from typing import Any

from localemu.utils.patch import patch

#: (service, quota) -> name and value.
DEFAULTS = {
    ("ec2", "L-1216C47A"): ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5.0),
    ("lambda", "L-B99A9384"): ("Concurrent executions", 1000.0),
    ("ebs", "L-309BACF6"): ("Snapshots per Region", 100_000.0),
}
#: (account, Region, service, quota) -> what AWS granted the account there, or took from it.
granted: dict[tuple[str, str, str, str], float] = {}


def install() -> None:
    """Adds to what moto answers."""
    from moto.servicequotas.models import ServiceQuotasBackend

    patch(ServiceQuotasBackend.get_service_quota)(get_service_quota)


def get_service_quota(fn: Any, self: Any, service_code: str, quota_code: str) -> dict[str, Any]:
    value = granted.get((self.account_id, self.region_name, service_code, quota_code))
    found = DEFAULTS.get((service_code, quota_code))
    if found is None:
        answer = fn(self, service_code, quota_code)
        return answer if value is None else {**answer, "Value": value}
    name, usual = found
    value = usual if value is None else value
    return {
        "ServiceCode": service_code,
        "QuotaCode": quota_code,
        "QuotaName": name,
        "Value": value,
        "Adjustable": True,
        "GlobalQuota": False,
    }
