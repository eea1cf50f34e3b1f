import catalogue from "../catalogue/actionsWithoutResource.json";

/** Every action that takes no resource, by the Service Authorization Reference; tools/policy/catalogue.py writes the file. */
const WITHOUT_RESOURCE = new Set(
    Object.entries(catalogue).flatMap(([prefix, actions]) => actions.split(" ").map((action) => `${prefix}:${action}`.toLowerCase())),
);

/**
 * Further actions that may stand beside `Resource: "*"`, each with the reason: the reference names a resource, but by AWS's own instructions the call needs all,
 * or the resource is the caller's own.
 */
const UNSCOPABLE: [pattern: RegExp, reason: string][] = [
    [/^ec2:Describe[A-Za-z]+$/, "EC2 describes take no resource"],
    [/^ec2:GetEbs(EncryptionByDefault|DefaultKmsKeyId)$/, "a setting of the Region, not of a resource"],
    [/^(autoscaling|elasticloadbalancing):Describe[A-Za-z]+$/, "describes of these services take no resource"],
    [
        /^ssm:(DescribeInstanceInformation|ListCommands|ListCommandInvocations|GetCommandInvocation)$/,
        "Run Command's reads take no resource",
    ],
    [
        /^ssm:(UpdateInstanceInformation|ListInstanceAssociations)$/,
        "internal calls of the SSM agent about the instance it runs on; AWS's own AmazonSSMManagedInstanceCore allows them on all",
    ],
    [/^(ssmmessages|ec2messages):[A-Z][A-Za-z]+$/, "the SSM agent's channels are bound to the calling instance, not to a resource"],
    [/^support:[A-Z][A-Za-z]+$/, "Support has no resources"],
    [
        /^logs:(CreateLogDelivery|GetLogDelivery|UpdateLogDelivery|DeleteLogDelivery|ListLogDeliveries|PutResourcePolicy|DescribeResourcePolicies|DescribeLogGroups)$/,
        "what a state machine with logging needs, by AWS's own instruction",
    ],
    [/^xray:(PutTraceSegments|PutTelemetryRecords|GetSamplingRules|GetSamplingTargets)$/, "X-Ray's ingestion has no resources"],
    [/^cloudwatch:PutMetricData$/, "metrics are limited by the condition key cloudwatch:namespace only"],
    [/^sts:GetCallerIdentity$/, "everyone may ask who they are"],
    [/^iam:ListAccountAliases$/, "a setting of the account"],
    [/^kms:ListAliases$/, "a list of the account"],
    [/^organizations:(DescribeOrganization|ListAccounts|ListRoots)$/, "reads of the organisation as a whole"],
    [/^guardduty:(ListDetectors|ListOrganizationAdminAccounts)$/, "lists of the Region"],
];

/** Whether AWS accepts no narrower resource for an action. */
export function isUnscopable(action: string): boolean {
    return WITHOUT_RESOURCE.has(action.toLowerCase()) || UNSCOPABLE.some(([pattern]) => pattern.test(action));
}
