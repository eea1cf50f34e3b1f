/**
 * Actions that may stand beside `Resource: "*"`, each with the reason: AWS takes no narrower resource for them, by its Service Authorization
 * Reference or by its own instructions, and one would refuse the call. Whatever can be limited to an ARN or a tag does not belong here.
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
    return UNSCOPABLE.some(([pattern]) => pattern.test(action));
}
