/** What comes in under load: findings about 50 instances in five accounts, the same again, updates of them, what nobody can read, and a sequence. */
import { fixture, put } from "../functions/domain/messageFixtures";

export const victims = ["222222222222", "333333333333", "444444444444", "555555555555", "666666666666"].flatMap((accountId, account) =>
    Array.from({ length: 10 }, (_, index) => ({ accountId, instanceId: `i-0a${account}${index.toString(16).padStart(14, "0")}` })),
);
export const sequenceAccount = "777777777777";

const text = (value: unknown) => JSON.stringify(value);

function finding(victim: (typeof victims)[number], findingId: string, updatedAt: string): string {
    const event = fixture("eventbridge");
    put(event, "account", victim.accountId);
    put(event, "detail.accountId", victim.accountId);
    put(event, "detail.id", findingId);
    put(
        event,
        "detail.arn",
        `arn:aws:guardduty:eu-west-1:${victim.accountId}:detector/0123456789abcdef0123456789abcdef/finding/${findingId}`,
    );
    put(event, "detail.updatedAt", updatedAt);
    put(event, "detail.resource.instanceDetails.instanceId", victim.instanceId);
    return text(event);
}

/** In the order in which they come: each instance's first one, then the same again, updates, and others about the same instance. */
export function findings(count: number): { messageId: string; instanceId: string; findingId: string; text: string }[] {
    return Array.from({ length: count }, (_, index) => {
        const victim = victims[(index * 7) % victims.length]!;
        const round = Math.floor(index / victims.length);
        // Four in five rounds repeat or update a finding; each fifth is another one.
        const findingId = (BigInt(index % victims.length) * 1000n + BigInt(Math.floor(round / 5))).toString(16).padStart(32, "f");
        const updatedAt = new Date(Date.UTC(2026, 10, 24, 9, 40) + (round % 2) * 60_000).toISOString();
        return { messageId: `message-${index}`, instanceId: victim.instanceId, findingId, text: finding(victim, findingId, updatedAt) };
    });
}

export const poison = [
    "",
    "{",
    "null",
    "[]",
    '{"detail-type":"GuardDuty Finding","source":"aws.guardduty"}',
    text({ source: "aws.guardduty", "detail-type": "GuardDuty Finding", detail: { resource: { instanceDetails: null } } }),
    "\u0000\u0001",
    text({ Records: [] }),
    "x".repeat(100_000),
    text({ detail: { severity: "very" } }),
].map((each, index) => ({ messageId: `poison-${index}`, text: each }));

/** An attack sequence that names 3,000 instances of one Auto Scaling group. */
export const sequence = (() => {
    const instanceIds = Array.from({ length: 3000 }, (_, index) => `i-0b${index.toString(16).padStart(15, "0")}`);
    const event = fixture("attack-sequence-ec2");
    return { instanceIds, text: sequenceText(event, instanceIds) };
})();

function sequenceText(event: Record<string, unknown>, instanceIds: string[]): string {
    const detail = event.detail as { accountId: string; service: { detection: { sequence: { resources: object[] } } } };
    put(event, "account", sequenceAccount);
    detail.accountId = sequenceAccount;
    detail.service.detection.sequence.resources = [
        {
            uid: `arn:aws:autoscaling:eu-west-1:${sequenceAccount}:autoScalingGroup:1:autoScalingGroupName/web`,
            name: "web",
            accountId: sequenceAccount,
            resourceType: "AUTOSCALING_AUTO_SCALING_GROUP",
            region: "eu-west-1",
            data: { autoscalingAutoScalingGroup: { ec2InstanceUids: instanceIds } },
        },
    ];
    return text(event);
}
