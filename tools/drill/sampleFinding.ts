/** The finding of a drill: what GuardDuty would send about the instance, marked as a sample. */
import { randomBytes } from "node:crypto";
import type { InstanceRef } from "../../functions/domain/containers";

export interface SampleFinding {
    findingId: string;
    /** The EventBridge event, as a rule puts it on the findings topic. */
    event: object;
}

/**
 * @param now time of the finding.
 * @param findingId 32 hexadecimal digits, as GuardDuty's. @default random, so that each drill is one of its own
 */
export function sampleFinding(
    { instanceId, accountId, region }: InstanceRef,
    partition: string,
    now: Date,
    findingId = randomBytes(16).toString("hex"),
): SampleFinding {
    const time = now.toISOString();
    return {
        findingId,
        event: {
            version: "0",
            id: `drill-${findingId}`,
            "detail-type": "GuardDuty Finding",
            source: "aws.guardduty",
            account: accountId,
            time,
            region,
            resources: [],
            detail: {
                schemaVersion: "2.0",
                accountId,
                region,
                partition,
                id: findingId,
                arn: `arn:${partition}:guardduty:${region}:${accountId}:detector/drill/finding/${findingId}`,
                type: "UnauthorizedAccess:EC2/MaliciousIPCaller.Custom",
                resource: { resourceType: "Instance", instanceDetails: { instanceId } },
                service: {
                    serviceName: "guardduty",
                    count: 1,
                    eventFirstSeen: time,
                    eventLastSeen: time,
                    additionalInfo: { sample: true, value: '{"sample":true}', type: "default" },
                },
                severity: 8,
                createdAt: time,
                updatedAt: time,
                title: `[SAMPLE] Drill: EC2 instance ${instanceId} communicates with a listed address`,
                description: "A drill of the EC2 clean room. Nothing was detected; the instance is treated as if it had been.",
            },
        },
    };
}
