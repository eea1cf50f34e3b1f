"""Lints IAM policies with parliament, which knows AWS's actions, resources and condition keys.

Standard input: [{"name": …, "document": {…}}]. Standard output: {"policies": N, "findings": ["…"]}. Exit code 0 whatever it finds.
"""

import json
import sys
import warnings
from collections import Counter

warnings.filterwarnings("ignore")  # pkg_resources announces its own end
from parliament import analyze_policy_string  # noqa: E402

# What parliament says of policies that are right, and why they are.
EXCUSED = {
    "kms:GrantIsForAWSResource": "asked with IfExists beside calls that make no grant: one statement for all, since IAM takes 10,240 characters",
    "states:ListExecutions on arn:*:states:*:*:mapRun:*/*:*": "we list executions of state machines only",
    "states:DescribeExecution on arn:*:states:*:*:express:*:*:*": "ours is a standard workflow",
    # parliament's copy of the reference is older than the resource type.
    "servicequotas:GetServiceQuota on *": "a quota has an ARN by now",
    "security-ir:CreateCase on *": "a case has an ARN by now",
}


def as_list(value):
    return value if isinstance(value, list) else [value]


def findings_of(document):
    statements = [each for each in as_list(document["Statement"]) if each["Effect"] == "Allow"]
    grants = Counter(action.lower() for each in statements for action in as_list(each["Action"]))
    mismatches = Counter()
    for finding in analyze_policy_string(json.dumps(document)).findings:
        if finding.issue == "RESOURCE_MISMATCH":
            # Said of each statement; a call is refused only when no statement names the resource.
            mismatches.update((each["action"], each["required_format"]) for each in finding.detail)
        else:
            yield f"{finding.issue}: {finding.detail}"
    for (action, resource), count in mismatches.items():
        if count >= grants[action.lower()]:
            yield f"no statement grants {action} on {resource}"


def main():
    policies = json.load(sys.stdin)
    findings = [
        f"{policy['name']}: {finding}"
        for policy in policies
        for finding in findings_of(policy["document"])
        if not any(known.split(" on ")[0] in finding and known.split(" on ")[-1] in finding for known in EXCUSED)
    ]
    json.dump({"policies": len(policies), "findings": findings}, sys.stdout)


main()
