/** What an AWS service acts upon when a policy lets it. */
export type Receiver = "role" | "key" | "topic" | "function" | "other";

/**
 * Services that send no aws:SourceArn and no aws:SourceAccount to a receiver, by AWS's own word: a condition on one would refuse every call, so none is
 * asked for. Everywhere else a service acts for any customer of AWS who names the resource (the confused deputy) unless its source is named.
 */
const SENDS_NONE: { service: RegExp; receiver: Receiver; reason: string }[] = [
    {
        service: /^events\.amazonaws\.com$/,
        receiver: "topic",
        reason: "the EventBridge guide, resource-based policies: condition blocks are not supported in the policies of topics",
    },
    {
        service: /^events\.amazonaws\.com$/,
        receiver: "key",
        reason: "the SNS guide, key management: not supported for EventBridge to encrypted topics",
    },
];

/**
 * Services whose guides have a role's trust name the source, since they act for others than whoever passed them the role. Those that run a workload
 * under a role of their own account (Lambda, EC2, ECS) send none: the protection is there that AWS lets a role be passed inside its account only.
 */
const SENDS_TO_ROLES =
    /^(states|events|scheduler|pipes|vpc-flow-logs|ssm|imagebuilder|config|codebuild|backup|apigateway|logs(\.[a-z0-9-]+)?|delivery\.logs|bedrock|sagemaker|iot|dms|transcribe|datasync|kinesisanalytics|guardduty|malware-protection-plan\.guardduty)\.amazonaws\.com(\.cn)?$/;

/** Whether AWS sends the source of a service's request, so that a policy can and must name it. */
export function sendsSource(service: string, receiver: Receiver): boolean {
    if (receiver === "role") {
        return SENDS_TO_ROLES.test(service);
    }
    return !SENDS_NONE.some((each) => each.receiver === receiver && each.service.test(service));
}
