/** Which events of EventBridge may make an incident: what a rule lets through reaches the topic, and startIncident reads it there. */

export const findingSources = ["guardduty", "securityhub"] as const;
export type FindingSource = (typeof findingSources)[number];

/** An instance by its ARN or its bare id, whatever type it is filed under. */
const namesInstance = [{ wildcard: "*:instance/i-*" }, { prefix: "i-" }];

/** Sessions of an instance's role are named after the instance: AROA…:i-0123456789abcdef0. */
const namesSession = [{ wildcard: "*:i-*" }];

/** Security Hub's steps of OCSF for GuardDuty's 1 to 10. https://schema.ocsf.io (severity_id: 1 informational to 5 critical) */
const ocsfSeverity = (severity: number) => (severity >= 9 ? 5 : severity >= 7 ? 4 : severity >= 4 ? 3 : severity >= 1 ? 2 : 0);

/**
 * Buckets, users' keys and clusters are other teams' and never reach the topic; what an instance did under another heading does: its
 * credentials used elsewhere (filed under AccessKey or the bucket), containers and tasks on it.
 */
function ofGuardDuty(minimumSeverity: number): object {
    const severe = [{ numeric: [">=", minimumSeverity] }];
    return {
        source: ["aws.guardduty"],
        "detail-type": ["GuardDuty Finding"],
        detail: {
            severity: severe,
            $or: [
                { resource: { resourceType: ["Instance", "AttackSequence", "ECSCluster", "Container"] } },
                { resource: { instanceDetails: { instanceId: [{ prefix: "i-" }] } } },
                { resource: { accessKeyDetails: { principalId: namesSession } } },
            ],
        },
    };
}

function ofSecurityHub(minimumSeverity: number): object {
    const asff = { Resources: { $or: [{ Id: namesInstance }, { Details: { AwsIamAccessKey: { PrincipalId: namesSession } } }] } };
    return {
        source: ["aws.securityhub"],
        $or: [
            {
                "detail-type": ["Security Hub Findings - Imported"],
                // A control that failed is a setting to mend, not an incident.
                detail: {
                    findings: {
                        ...asff,
                        Severity: { Normalized: [{ numeric: [">=", minimumSeverity * 10] }] },
                        Compliance: { Status: [{ exists: false }] },
                        Types: [{ "anything-but": { prefix: "Software and Configuration Checks" } }],
                    },
                },
            },
            // Somebody chose it: its severity does not matter.
            { "detail-type": ["Security Hub Findings - Custom Action"], detail: { findings: asff } },
            {
                "detail-type": ["Findings Imported V2"],
                detail: {
                    findings: {
                        resources: { uid: namesInstance },
                        severity_id: [{ numeric: [">=", ocsfSeverity(minimumSeverity)] }],
                        // Detection findings; a control's are of another class.
                        class_uid: [2004],
                    },
                },
            },
        ],
    };
}

/**
 * The pattern of the rules of every bus.
 *
 * @param minimumSeverity 0 to 10
 * @param sources not empty
 */
export function findingPattern(minimumSeverity: number, sources: readonly FindingSource[]): object {
    const patterns = { guardduty: ofGuardDuty, securityhub: ofSecurityHub };
    const chosen = findingSources.filter((source) => sources.includes(source)).map((source) => patterns[source](minimumSeverity));
    return chosen.length === 1 ? chosen[0]! : { $or: chosen };
}
