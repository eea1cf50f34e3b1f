/**
 * A deployment that rots: one thing is broken at a time in the local AWS, the deployed function looks as `npm run preflight` has it look, and exactly
 * what was broken is named, in the words of its own check; then it is mended. Every check that there is must have been broken once.
 */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import {
    CreateSnapshotCommand,
    CreateVolumeCommand,
    CreateVpcEndpointCommand,
    DeleteVpcEndpointsCommand,
    DescribeImagesCommand,
    DescribeSubnetsCommand,
    DescribeVpcEndpointsCommand,
    EC2Client,
} from "@aws-sdk/client-ec2";
import {
    CreateArchiveCommand,
    DeleteArchiveCommand,
    DescribeArchiveCommand,
    DisableRuleCommand,
    EnableRuleCommand,
    EventBridgeClient,
    ListTargetsByRuleCommand,
    PutTargetsCommand,
    RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
    CreateDetectorCommand,
    DeleteDetectorCommand,
    GuardDutyClient,
    ListDetectorsCommand,
    UpdateDetectorCommand,
} from "@aws-sdk/client-guardduty";
import {
    CreatePolicyCommand,
    CreateRoleCommand,
    DeleteRoleCommand,
    DeleteRolePermissionsBoundaryCommand,
    DeleteRolePolicyCommand,
    GetRoleCommand,
    GetRolePolicyCommand,
    IAMClient,
    ListRolePoliciesCommand,
    PutRolePermissionsBoundaryCommand,
    PutRolePolicyCommand,
    UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { CancelKeyDeletionCommand, DisableKeyCommand, EnableKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from "@aws-sdk/client-kms";
import {
    GetFunctionConfigurationCommand,
    InvokeCommand,
    LambdaClient,
    UpdateFunctionConfigurationCommand,
    waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { GetObjectLockConfigurationCommand, PutObjectLockConfigurationCommand, S3Client } from "@aws-sdk/client-s3";
import { ConfirmSubscriptionCommand, SNSClient, SubscribeCommand, UnsubscribeCommand } from "@aws-sdk/client-sns";
import { GetQueueUrlCommand, PurgeQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DeleteParameterCommand, GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { expect } from "chai";
import type { Readiness } from "../../../functions/checkReadiness";
import type { ReadinessCheck } from "../../../functions/domain/readiness/checks";
import { parseSettings } from "../../../infra/config";
import {
    alarmTopicName,
    findingsBusName,
    findingsRuleName,
    forwardDeadLettersName,
    forwardedRuleName,
    forwardRuleName,
    memberStackSetName,
    notificationTopicName,
    responderRoleName,
    slackWebhookParameterName,
    watchRuleName,
} from "../../../infra/names";
import { readinessPlan } from "../../../infra/readinessPlan";
import { bringAbout } from "../../../rehearsal/circumstances";
import { localClients, type LocalClients, type Target } from "../../../rehearsal/deploy/localClients";
import { deployProgram } from "../../../rehearsal/deploy/program";
import { startLocalEmu, type LocalEmu } from "../../../rehearsal/localEmu";
import { createVictim } from "../../../rehearsal/victim";
import { until } from "../../../rehearsal/watch";
import { render } from "../../../tools/preflight/render";

const region = "eu-west-1";
const forensics: Target = { accountId: "111111111111", region };
const member: Target = { accountId: "222222222222", region };
const address = "incidents@example.com";
const imageParameter = "/images/forensic";
const settings = {
    forensics: { accountId: forensics.accountId },
    regions: [region],
    members: [{ accountId: member.accountId }],
    evidence: { retentionDays: 2 },
    support: { enabled: false },
    network: { endpoints: "standing" },
    forensicInstance: { imageParameter },
    notifications: { emails: [address] },
};
const functionName = "clean-room-checkReadiness";
const topics = [notificationTopicName, alarmTopicName];

/** One thing that rots. */
interface Rot {
    what: string;
    /** Breaks it. @returns what mends it */
    breaks: () => Promise<() => Promise<unknown>>;
    /** What is said of each check that is not ok then, by its id: what was looked at, and how it stands. All others must be ok. */
    says: Record<string, RegExp>;
    /** What the function is asked for besides. */
    asked?: object;
}

describe("a deployment that rots, on the local AWS", function () {
    this.timeout(60_000);
    let folder: string;
    let localEmu: LocalEmu;
    let clients: LocalClients;
    let subscriptions: string[];
    let variables: Record<string, string>;
    /** What Slack answers to a post without text. */
    let slackSays = { status: 400, answer: "no_text" };
    const slack = createServer((request, response) => {
        request.resume().on("end", () => response.writeHead(slackSays.status).end(slackSays.answer));
    });

    before(async function () {
        this.timeout(600_000);
        folder = await mkdtemp(path.join(tmpdir(), "readiness-"));
        slack.listen(0, "127.0.0.1");
        await once(slack, "listening");
        localEmu = await startLocalEmu({ log: () => undefined });
        clients = localClients(localEmu.endpoint);
        const image = { path: path.join(folder, "disk.img"), sha256: "0".repeat(64), sizeBytes: 1024 * 1024 };
        await writeFile(image.path, Buffer.alloc(image.sizeBytes));
        await createVictim(clients, member, { root: image, data: image });
        await putImage(await imageOf("x86_64"));
        const { resources } = await deployProgram({
            clients,
            defaults: forensics,
            secretKeys: ["slackWebhookUrl"],
            config: {
                settings: JSON.stringify(settings),
                slackWebhookUrl: `http://127.0.0.1:${(slack.address() as AddressInfo).port}/services/x`,
            },
        });
        subscriptions = resources
            .filter(({ type, id }) => /TopicSubscription/.test(type) && topics.includes(id.split(":").at(-2)!) && !/chat/.test(id))
            .map(({ id }) => id);
        const { Environment } = await lambda().send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
        variables = Environment!.Variables!;
    });
    after(async () => {
        slack.close();
        await localEmu?.stop();
        await rm(folder, { recursive: true, force: true });
    });

    const lambda = () => clients(LambdaClient, forensics);
    const ec2 = () => clients(EC2Client, forensics);
    const events = (of = forensics) => clients(EventBridgeClient, of);
    const iam = () => clients(IAMClient, member);
    const kms = () => clients(KMSClient, forensics);
    const s3 = () => clients(S3Client, forensics);
    const sns = () => clients(SNSClient, forensics);
    const sqs = () => clients(SQSClient, forensics);
    const ssm = () => clients(SSMClient, forensics);
    const guardDuty = () => clients(GuardDutyClient, member);

    const imageOf = async (architecture: string) =>
        (await ec2().send(new DescribeImagesCommand({ Owners: ["amazon"], Filters: [{ Name: "architecture", Values: [architecture] }] })))
            .Images![0]!.ImageId!;
    const putImage = (Value: string) =>
        ssm().send(new PutParameterCommand({ Name: imageParameter, Value, Type: "String", Overwrite: true }));
    const quota = (service: string, code: string, value: number | null) =>
        bringAbout(localEmu.endpoint, { ...forensics, kind: "serviceQuota", service, quota: code, value });

    /** What an operator reads of each check that is not ok, by its id. */
    async function wanting(asked: object = {}): Promise<{ checks: ReadinessCheck[]; lines: Record<string, string> }> {
        const { Payload, FunctionError } = await lambda().send(
            new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(asked) }),
        );
        const text = Buffer.from(Payload!).toString("utf8");
        expect(FunctionError, text).to.equal(undefined);
        const { checks } = JSON.parse(text) as Readiness;
        const lines = checks
            .filter(({ state }) => state !== "ok")
            .map(
                (each) =>
                    [
                        each.id,
                        render([{ region, checks: [each] }])
                            .split("\n")[0]!
                            .replaceAll(/\s+/g, " "),
                    ] as const,
            );
        return { checks, lines: Object.fromEntries(lines) };
    }

    async function confirm(arn: string): Promise<void> {
        const answer = await fetch(`${localEmu.endpoint}/_aws/sns/subscription-tokens/${arn}`);
        const { subscription_token: Token } = (await answer.json()) as { subscription_token: string };
        await sns().send(new ConfirmSubscriptionCommand({ TopicArn: arn.split(":").slice(0, -1).join(":"), Token }));
    }

    /** Name of the function's role. */
    const ownRole = async () =>
        (await lambda().send(new GetFunctionConfigurationCommand({ FunctionName: functionName }))).Role!.split("/").at(-1)!;

    /** The function as another configuration would have made it. */
    async function withVariables(other: Record<string, string>): Promise<void> {
        const client = lambda();
        await client.send(
            new UpdateFunctionConfigurationCommand({ FunctionName: functionName, Environment: { Variables: { ...variables, ...other } } }),
        );
        await waitUntilFunctionUpdatedV2({ client, minDelay: 1, maxDelay: 1, maxWaitTime: 30 }, { FunctionName: functionName });
    }
    const configured =
        (other: () => Record<string, string>): Rot["breaks"] =>
        async () => {
            await withVariables(other());
            return () => withVariables({});
        };
    const ruleOff =
        (Name: string, of: Target = forensics, EventBusName?: string): Rot["breaks"] =>
        async () => {
            await events(of).send(new DisableRuleCommand({ Name, EventBusName }));
            return () => events(of).send(new EnableRuleCommand({ Name, EventBusName }));
        };
    const archiveGone =
        (ArchiveName: string): Rot["breaks"] =>
        async () => {
            const { EventSourceArn, EventPattern, RetentionDays } = await events().send(new DescribeArchiveCommand({ ArchiveName }));
            await events().send(new DeleteArchiveCommand({ ArchiveName }));
            return () => events().send(new CreateArchiveCommand({ ArchiveName, EventSourceArn, EventPattern, RetentionDays }));
        };
    const messageIn =
        (queue: () => Promise<string>): Rot["breaks"] =>
        async () => {
            const QueueUrl = await queue();
            await sqs().send(new SendMessageCommand({ QueueUrl, MessageBody: "{}" }));
            return () => sqs().send(new PurgeQueueCommand({ QueueUrl }));
        };

    interface InlinePolicy {
        name: string;
        document: { Statement: { Effect: string; Action: string | string[] }[] };
    }
    async function policiesOf(RoleName: string): Promise<InlinePolicy[]> {
        const { PolicyNames = [] } = await iam().send(new ListRolePoliciesCommand({ RoleName }));
        return Promise.all(
            PolicyNames.map(async (PolicyName) => {
                const { PolicyDocument } = await iam().send(new GetRolePolicyCommand({ RoleName, PolicyName }));
                return { name: PolicyName, document: JSON.parse(decodeURIComponent(PolicyDocument!)) as InlinePolicy["document"] };
            }),
        );
    }
    const putPolicy = (PolicyName: string, document: object) =>
        iam().send(new PutRolePolicyCommand({ RoleName: responderRoleName, PolicyName, PolicyDocument: JSON.stringify(document) }));

    async function roleGone(): Promise<() => Promise<void>> {
        const { Role } = await iam().send(new GetRoleCommand({ RoleName: responderRoleName }));
        const policies = await policiesOf(responderRoleName);
        for (const { name } of policies) await iam().send(new DeleteRolePolicyCommand({ RoleName: responderRoleName, PolicyName: name }));
        await iam().send(new DeleteRoleCommand({ RoleName: responderRoleName }));
        return async () => {
            const { Path, AssumeRolePolicyDocument, MaxSessionDuration } = Role!;
            await iam().send(
                new CreateRoleCommand({
                    RoleName: responderRoleName,
                    Path,
                    MaxSessionDuration,
                    AssumeRolePolicyDocument: decodeURIComponent(AssumeRolePolicyDocument!),
                }),
            );
            for (const { name, document } of policies) await putPolicy(name, document);
        };
    }
    async function trustGone(): Promise<() => Promise<unknown>> {
        const { Role } = await iam().send(new GetRoleCommand({ RoleName: responderRoleName }));
        const trust = (PolicyDocument: string) =>
            iam().send(new UpdateAssumeRolePolicyCommand({ RoleName: responderRoleName, PolicyDocument }));
        await trust(
            JSON.stringify({
                Version: "2012-10-17",
                Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
            }),
        );
        return () => trust(decodeURIComponent(Role!.AssumeRolePolicyDocument!));
    }
    const actionGone =
        (action: string): Rot["breaks"] =>
        async () => {
            const changed = (await policiesOf(responderRoleName)).filter(({ document }) =>
                JSON.stringify(document).includes(`"${action}"`),
            );
            for (const { name, document } of changed) {
                const Statement = document.Statement.map((each) => ({
                    ...each,
                    Action: [each.Action].flat().filter((one) => one !== action),
                }));
                await putPolicy(name, { ...document, Statement: Statement.filter(({ Action }) => Action.length > 0) });
            }
            return () => Promise.all(changed.map(({ name, document }) => putPolicy(name, document)));
        };
    const denied =
        (action: string): Rot["breaks"] =>
        async () => {
            await putPolicy("rot", { Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: action, Resource: "*" }] });
            return () => iam().send(new DeleteRolePolicyCommand({ RoleName: responderRoleName, PolicyName: "rot" }));
        };
    const bounded =
        (action: string): Rot["breaks"] =>
        async () => {
            const { Policy } = await iam().send(
                new CreatePolicyCommand({
                    PolicyName: "rot",
                    PolicyDocument: JSON.stringify({
                        Version: "2012-10-17",
                        Statement: [{ Effect: "Allow", NotAction: action, Resource: "*" }],
                    }),
                }),
            );
            await iam().send(new PutRolePermissionsBoundaryCommand({ RoleName: responderRoleName, PermissionsBoundary: Policy!.Arn! }));
            return () => iam().send(new DeleteRolePermissionsBoundaryCommand({ RoleName: responderRoleName }));
        };
    const lock =
        (rule: object | null): Rot["breaks"] =>
        async () => {
            const Bucket = variables.EVIDENCE_BUCKET!;
            const { ObjectLockConfiguration } = await s3().send(new GetObjectLockConfigurationCommand({ Bucket }));
            const put = (given: object) => s3().send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: given }));
            await put({ ObjectLockEnabled: "Enabled", ...(rule ? { Rule: { DefaultRetention: rule } } : {}) });
            return () => put(ObjectLockConfiguration!);
        };

    it("is not all well before somebody has followed the links in AWS's mails", async () => {
        const { lines } = await wanting();
        expect(Object.keys(lines)).to.deep.equal(["emails"]);
        expect(lines.emails).to.match(
            /broken the e-mail subscriptions of the notification and alarm topics: not confirmed: incidents@example\.com \(clean-room-notifications\), incidents@example\.com \(clean-room-alarms\) -> Let each address confirm/,
        );
        for (const arn of subscriptions) await confirm(arn);
    });

    /** Ids of all checks of a deployment that is well, without what they are about. */
    let kinds: Set<string>;
    const kindOf = (id: string) => id.split(" ")[0]!;

    it("is all well then, and says of each thing what was looked at", async () => {
        const { checks, lines } = await wanting({ sendSample: true, sampleWithinSeconds: 45 });
        expect(lines).to.deep.equal({});
        for (const { lookedAt, said, toDo } of checks)
            expect([lookedAt.length > 5, said.length > 5, toDo]).to.deep.equal([true, true, null]);
        kinds = new Set(checks.map(({ id }) => kindOf(id)));
        expect(kinds.size).to.be.above(20);
    });

    const on = (name: string) => `${name} ${member.accountId}`;
    const rots: Rot[] = [
        {
            what: "the rule that takes findings of the default bus is off",
            breaks: ruleOff(findingsRuleName),
            says: {
                [`rule ${findingsRuleName}`]:
                    /broken the rule clean-room-findings: is DISABLED: no finding arrives on this way -> Enable the rule/,
            },
        },
        {
            what: "the rule that takes forwarded findings is off",
            breaks: ruleOff(forwardedRuleName, forensics, findingsBusName),
            says: { [`rule ${forwardedRuleName}`]: /the rule clean-room-forwarded-findings: is DISABLED/ },
        },
        {
            what: "a rule leads nowhere any more, which GuardDuty's sample finding alone finds out",
            breaks: async () => {
                const Rule = forwardedRuleName;
                const EventBusName = findingsBusName;
                const { Targets = [] } = await events().send(new ListTargetsByRuleCommand({ Rule, EventBusName }));
                await events().send(new RemoveTargetsCommand({ Rule, EventBusName, Ids: Targets.map(({ Id }) => Id!) }));
                return () => events().send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
            },
            asked: { sendSample: true, sampleWithinSeconds: 3 },
            says: {
                sample: /broken GuardDuty's own sample finding, from a member to startIncident: sent in account 222222222222, it did not arrive: neither would a real one/,
            },
        },
        {
            what: "an archive of findings is gone",
            breaks: archiveGone(forwardedRuleName),
            says: {
                [`archive ${forwardedRuleName}`]:
                    /the archive clean-room-forwarded-findings: is not there: what is missed cannot be replayed/,
            },
        },
        {
            what: "nobody looks at contained instances any more",
            breaks: ruleOff(watchRuleName),
            says: {
                watch: /contained instances are looked at every five minutes: is DISABLED: nobody is told when somebody undoes a containment/,
            },
        },
        {
            what: "a message lies in the dead-letter queue",
            breaks: messageIn(() => Promise.resolve(variables.DEAD_LETTER_QUEUE_URL!)),
            says: { "dead-letters": /the dead-letter queue of findings: 1 lie there and started nothing -> Read them/ },
        },
        {
            what: "a member could not forward a finding",
            breaks: messageIn(async () => (await sqs().send(new GetQueueUrlCommand({ QueueName: forwardDeadLettersName }))).QueueUrl!),
            says: { "forward-dead-letters": /findings that members could not forward: 1 lie there/ },
        },
        {
            what: "the responder role is gone",
            breaks: roleGone,
            says: {
                [on("responder-assumable")]:
                    /the responder role of account 222222222222: cannot be assumed: .*AccessDenied.* -> Nothing in 222222222222 can be contained/,
            },
        },
        {
            what: "the responder role trusts nobody of ours any more, though a session of a minute ago still lives",
            breaks: trustGone,
            says: { [on("responder-assumable")]: /cannot be assumed: .*AccessDenied/ },
        },
        {
            what: "the responder role's policy lacks an action of containment",
            breaks: actionGone("ec2:ModifyInstanceAttribute"),
            says: {
                [on("responder-allowed")]:
                    /what containment, preservation and release need .* by policy simulation: not allowed: ec2:ModifyInstanceAttribute \(since no policy of the role allows it\) -> Deploy the stack again/,
            },
        },
        {
            what: "a policy of the responder role denies an action of preservation",
            breaks: denied("ec2:CreateSnapshots"),
            says: { [on("responder-allowed")]: /not allowed: ec2:CreateSnapshots \(by a policy that denies it\)/ },
        },
        {
            what: "a permissions boundary takes the deny of credentials away",
            breaks: bounded("iam:PutRolePolicy"),
            says: { [on("responder-allowed")]: /not allowed: iam:PutRolePolicy \(by its permissions boundary\)/ },
        },
        {
            what: "a deny hangs on a condition that the simulation is not given, as Region denies may",
            breaks: async () => {
                const Condition = { Bool: { "aws:SecureTransport": "true" } };
                await putPolicy("rot", {
                    Version: "2012-10-17",
                    Statement: [{ Effect: "Deny", Action: "ec2:CreateSecurityGroup", Resource: "*", Condition }],
                });
                return () => iam().send(new DeleteRolePolicyCommand({ RoleName: responderRoleName, PolicyName: "rot" }));
            },
            says: {
                [on("responder-dry-run")]:
                    /a security group made in account 222222222222 in eu-west-1, as a dry run: EC2 would refuse it: .*CreateSecurityGroup.* -> Exempt the responder role/,
            },
        },
        {
            what: "GuardDuty is switched off in a member",
            breaks: async () => {
                const { DetectorIds: [DetectorId] = [] } = await guardDuty().send(new ListDetectorsCommand({}));
                await guardDuty().send(new UpdateDetectorCommand({ DetectorId, Enable: false }));
                return () => guardDuty().send(new UpdateDetectorCommand({ DetectorId, Enable: true }));
            },
            says: {
                [on("guardduty")]:
                    /GuardDuty in account 222222222222 in eu-west-1: is DISABLED: nothing there is noticed -> Switch the detector on/,
            },
        },
        {
            what: "GuardDuty's detector is gone from a member",
            breaks: async () => {
                const { DetectorIds: [DetectorId] = [] } = await guardDuty().send(new ListDetectorsCommand({}));
                await guardDuty().send(new DeleteDetectorCommand({ DetectorId }));
                return () => guardDuty().send(new CreateDetectorCommand({ Enable: true }));
            },
            says: { [on("guardduty")]: /has no detector: nothing there is noticed/ },
        },
        {
            what: "a member's forwarding rule is off",
            breaks: ruleOff(forwardRuleName, member),
            says: { [on("forwarding-rule")]: /the rule that forwards findings of account 222222222222 from eu-west-1: is DISABLED/ },
        },
        {
            what: "the image's parameter is gone",
            breaks: async () => {
                const { Parameter } = await ssm().send(new GetParameterCommand({ Name: imageParameter }));
                await ssm().send(new DeleteParameterCommand({ Name: imageParameter }));
                return () => putImage(Parameter!.Value!);
            },
            says: {
                "forensic-image":
                    /broken the forensic image: \/images\/forensic is not there -> Set forensicInstance\.imageIds or imageParameter/,
            },
        },
        {
            what: "the image is gone",
            breaks: async () => {
                await putImage("ami-0123456789abcdef0");
                return async () => putImage(await imageOf("x86_64"));
            },
            says: { "forensic-image": /ami-0123456789abcdef0|\/images\/forensic is not there/ },
        },
        {
            what: "the image is of another processor",
            breaks: async () => {
                await putImage(await imageOf("arm64"));
                return async () => putImage(await imageOf("x86_64"));
            },
            says: {
                "forensic-image":
                    /is for arm64, and \S+ has .*x86_64 -> Let forensicInstance\.architecture, type and image be of one processor/,
            },
        },
        {
            what: "the Region does not offer the instance type",
            breaks: configured(() => ({ FORENSIC_INSTANCE_TYPE: "c8id.large" })),
            says: {
                "instance-type-offered":
                    /c8id\.large is offered in none of eu-west-1a, eu-west-1b -> Name another in forensicInstance\.types for eu-west-1/,
            },
        },
        {
            what: "the quota of vCPUs is too small for one forensic instance",
            breaks: async () => {
                await quota("ec2", "L-1216C47A", 1);
                return () => quota("ec2", "L-1216C47A", null);
            },
            says: {
                "quota-vcpu": /the quota for vCPUs of running on-demand instances: 1 vCPUs are too few for one \S+ of \d+ -> Ask for more/,
            },
        },
        {
            what: "the quota of snapshots is used up",
            breaks: async () => {
                const { VolumeId } = await ec2().send(new CreateVolumeCommand({ AvailabilityZone: `${region}a`, Size: 1 }));
                await ec2().send(new CreateSnapshotCommand({ VolumeId }));
                await quota("ebs", "L-309BACF6", 1);
                return () => quota("ebs", "L-309BACF6", null);
            },
            says: { "quota-snapshots": /the quota for EBS snapshots in the Region: all 1 snapshots are used -> Ask for more/ },
        },
        {
            what: "an interface endpoint is gone, and the quota leaves no room for it",
            breaks: async () => {
                const { VpcEndpoints = [] } = await ec2().send(
                    new DescribeVpcEndpointsCommand({ Filters: [{ Name: "vpc-id", Values: [variables.FORENSIC_VPC_ID!] }] }),
                );
                const {
                    VpcEndpointId,
                    VpcId,
                    ServiceName,
                    SubnetIds,
                    Groups = [],
                    PolicyDocument,
                } = VpcEndpoints.find((each) => each.ServiceName!.endsWith(".ssm"))!;
                await ec2().send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [VpcEndpointId!] }));
                await quota("vpc", "L-29B6F2EB", 2);
                return async () => {
                    await quota("vpc", "L-29B6F2EB", null);
                    const { VpcEndpoint } = await ec2().send(
                        new CreateVpcEndpointCommand({
                            VpcEndpointType: "Interface",
                            VpcId,
                            ServiceName,
                            SubnetIds,
                            SecurityGroupIds: Groups.map(({ GroupId }) => GroupId!),
                            PolicyDocument,
                            PrivateDnsEnabled: true,
                        }),
                    );
                    // As on AWS, it is pending first.
                    await until(
                        "the new endpoint is available",
                        async () => {
                            const { VpcEndpoints: made = [] } = await ec2().send(
                                new DescribeVpcEndpointsCommand({ VpcEndpointIds: [VpcEndpoint!.VpcEndpointId!] }),
                            );
                            return made.find(({ State }) => State?.toLowerCase() === "available");
                        },
                        Date.now() + 60_000,
                    );
                };
            },
            says: {
                "quota-endpoints":
                    /the quota for interface endpoints of the clean room's VPC: \d of 2 endpoints are used, and the 1 that an incident needs do not fit/,
                endpoints: /the interface endpoints of the clean room: not available: ssm -> Run pulumi up --refresh/,
            },
        },
        {
            what: "twenty snapshots are under way into the Region",
            breaks: async () => {
                const { Subnets = [] } = await ec2().send(
                    new DescribeSubnetsCommand({ SubnetIds: variables.FORENSIC_SUBNET_IDS!.split(",") }),
                );
                const AvailabilityZone = Subnets[0]!.AvailabilityZone;
                const volumes = await Promise.all(
                    Array.from({ length: 5 }, () => ec2().send(new CreateVolumeCommand({ AvailabilityZone, Size: 1 }))),
                );
                // Each stays pending for five seconds at the most.
                await Promise.all(
                    volumes.flatMap(({ VolumeId }) => Array.from({ length: 4 }, () => ec2().send(new CreateSnapshotCommand({ VolumeId })))),
                );
                return () => Promise.resolve();
            },
            says: {
                "quota-copies":
                    /snapshot copies under way into this Region: all 20 that AWS makes at a time are under way -> Wait for them/,
            },
        },
        {
            what: "the evidence key is disabled",
            breaks: async () => {
                const KeyId = variables.EVIDENCE_KEY_ARN!;
                await kms().send(new DisableKeyCommand({ KeyId }));
                return () => kms().send(new EnableKeyCommand({ KeyId }));
            },
            says: { "evidence-key": /the evidence key: is Disabled: no evidence can be written or read -> Enable it/ },
        },
        {
            what: "the evidence key waits for its deletion",
            breaks: async () => {
                const KeyId = variables.EVIDENCE_KEY_ARN!;
                await kms().send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
                return async () => {
                    await kms().send(new CancelKeyDeletionCommand({ KeyId }));
                    await kms().send(new EnableKeyCommand({ KeyId }));
                };
            },
            says: { "evidence-key": /is PendingDeletion: no evidence can be written or read -> .*cancel its deletion/ },
        },
        {
            what: "the evidence key may not be used",
            breaks: async () => {
                const own = clients(IAMClient, forensics);
                const RoleName = await ownRole();
                await own.send(
                    new PutRolePolicyCommand({
                        RoleName,
                        PolicyName: "rot",
                        PolicyDocument: JSON.stringify({
                            Version: "2012-10-17",
                            Statement: [{ Effect: "Deny", Action: "kms:GenerateDataKeyWithoutPlaintext", Resource: "*" }],
                        }),
                    }),
                );
                return () => own.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: "rot" }));
            },
            says: { "evidence-key": /is enabled, but may not be used: .*AccessDenied/ },
        },
        {
            what: "Object Lock has no rule any more",
            breaks: lock(null),
            says: { "object-lock": /Object Lock of the evidence bucket: is off: objects could be deleted -> Deploy the stack again/ },
        },
        {
            what: "Object Lock is for fewer days than the stack says",
            breaks: lock({ Mode: "GOVERNANCE", Days: 1 }),
            says: { "object-lock": /is GOVERNANCE for 1 days, and the stack says \w+ for 2/ },
        },
        {
            what: "Slack's webhook was taken away",
            breaks: () => {
                slackSays = { status: 404, answer: "no_service" };
                return Promise.resolve(() => Promise.resolve((slackSays = { status: 400, answer: "no_text" })));
            },
            says: { slack: /the Slack webhook: answered 404 no_service: messages do not arrive -> Make a new incoming webhook/ },
        },
        {
            what: "the parameter with Slack's webhook is gone, though a function still knows what it held",
            breaks: async () => {
                const Name = variables.SLACK_WEBHOOK_PARAMETER!;
                const { Parameter } = await ssm().send(new GetParameterCommand({ Name, WithDecryption: true }));
                await ssm().send(new DeleteParameterCommand({ Name }));
                return () => ssm().send(new PutParameterCommand({ Name, Value: Parameter!.Value, Type: "SecureString" }));
            },
            says: {
                slack: new RegExp(
                    `broken the Slack webhook: The SSM parameter with the Slack webhook URL does not exist: ${slackWebhookParameterName}: messages do not arrive`,
                ),
            },
        },
        {
            what: "a subscription is gone",
            breaks: async () => {
                const [arn] = subscriptions as [string];
                await sns().send(new UnsubscribeCommand({ SubscriptionArn: arn }));
                return async () => {
                    const { SubscriptionArn } = await sns().send(
                        new SubscribeCommand({
                            TopicArn: arn.split(":").slice(0, -1).join(":"),
                            Protocol: "email",
                            Endpoint: address,
                            ReturnSubscriptionArn: true,
                        }),
                    );
                    await confirm(SubscriptionArn!);
                };
            },
            says: { emails: /1 are not there \(an unsubscribed address, or a confirmation that ran out\)/ },
        },
        {
            what: "nobody is told by anything",
            breaks: configured(() => ({
                SLACK_WEBHOOK_PARAMETER: "",
                READINESS: JSON.stringify({ ...(JSON.parse(variables.READINESS!) as object), emails: 0 }),
            })),
            says: {
                people: /the channels by which people are told: none is configured: an incident would be followed, and nobody would know/,
            },
        },
        {
            what: "there is no member",
            breaks: configured(() => ({ MEMBER_ACCOUNTS: "" })),
            says: { members: /the member accounts: there are none in this Region -> Name members, or an organization/ },
        },
        {
            what: "an account of the organisation has an outdated stack",
            breaks: async () => {
                await bringAbout(localEmu.endpoint, {
                    ...forensics,
                    kind: "stackInstances",
                    name: memberStackSetName,
                    instances: [
                        { accountId: member.accountId, region, status: "CURRENT" },
                        { accountId: "333333333333", region, status: "OUTDATED" },
                    ],
                });
                // As the deployment of an organisation has it, whose StackSet LocalEmu cannot deploy.
                const role = (await lambda().send(new GetFunctionConfigurationCommand({ FunctionName: functionName })))
                    .Role!.split("/")
                    .at(-1)!;
                const own = clients(IAMClient, forensics);
                await own.send(
                    new PutRolePolicyCommand({
                        RoleName: role,
                        PolicyName: "rot",
                        PolicyDocument: JSON.stringify({
                            Version: "2012-10-17",
                            Statement: [{ Effect: "Allow", Action: "cloudformation:ListStackInstances", Resource: "*" }],
                        }),
                    }),
                );
                const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-a1b2-c3d4e5f6"], stackSetsAs: "SELF" };
                await withVariables({
                    READINESS: readinessPlan({ settings: parseSettings({ ...settings, organization }), partition: "aws", region }),
                });
                return async () => {
                    await withVariables({});
                    await own.send(new DeleteRolePolicyCommand({ RoleName: role, PolicyName: "rot" }));
                };
            },
            says: {
                stackset:
                    /the StackSet's instances: 1 of 2 are not current: 333333333333 eu-west-1 \(OUTDATED\) -> See the StackSet's operations/,
            },
        },
    ];

    for (const { what, breaks, says, asked } of rots)
        it(`is told when ${what}`, async () => {
            const mend = await breaks();
            try {
                const { lines } = await wanting(asked);
                expect(Object.keys(lines).sort(), JSON.stringify(lines, null, 2)).to.deep.equal(Object.keys(says).sort());
                for (const [id, words] of Object.entries(says)) expect(lines[id]).to.match(words);
            } finally {
                await mend();
            }
        });

    it("is all well when everything is mended, and no check is left that nothing broke", async () => {
        expect((await wanting()).lines).to.deep.equal({});
        const broken = new Set(["emails", ...rots.flatMap(({ says }) => Object.keys(says).map(kindOf))]);
        expect([...kinds].filter((kind) => !broken.has(kind))).to.deep.equal([]);
    });
});
