/**
 * GuardDuty events that may make an incident, as an EventBridge pattern. Buckets, keys and clusters are other teams' and never
 * reach the topic.
 *
 * @param minimumSeverity 0 to 10
 */
export function findingPattern(minimumSeverity: number) {
    return {
        source: ["aws.guardduty"],
        "detail-type": ["GuardDuty Finding"],
        detail: { severity: [{ numeric: [">=", minimumSeverity] }], resource: { resourceType: ["Instance", "AttackSequence"] } },
    };
}
