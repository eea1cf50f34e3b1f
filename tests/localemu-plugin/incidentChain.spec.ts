/**
 * The way of a finding: member's default bus -> rule with a sender role -> forensics account's default bus -> rule -> SNS topic ->
 * function -> Step Functions -> function -> role in the member account, each hop by its own permissions.
 */
import { AddPermissionCommand } from "@aws-sdk/client-lambda";
import {
    PutEventsCommand,
    PutPermissionCommand,
    PutRuleCommand,
    PutTargetsCommand,
    RemovePermissionCommand,
} from "@aws-sdk/client-eventbridge";
import { DeleteRolePolicyCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateStateMachineCommand, DescribeExecutionCommand, ListExecutionsCommand } from "@aws-sdk/client-sfn";
import { CreateTopicCommand, SetTopicAttributesCommand, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { expect } from "chai";
import { document, makeFunction, makeRole, zipped } from "./support/functions";
import { FORENSICS, MEMBER, REGION, rootOf, unique, until, type Clients } from "./support/localAws";

const LAMBDA = { Service: "lambda.amazonaws.com" };
const logs = { Effect: "Allow" as const, Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: "*" };
const starter = `
    const { SFNClient, StartExecutionCommand } = require("@aws-sdk/client-sfn");
    exports.handler = async (event) => {
        for (const { Sns } of event.Records) {
            const finding = JSON.parse(Sns.Message);
            await new SFNClient({}).send(new StartExecutionCommand({ stateMachineArn: process.env.STATE_MACHINE, name: finding.detail.id, input: JSON.stringify({ role: process.env.MEMBER_ROLE, account: finding.account }) }));
        }
    };`;
const responder = `
    const { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } = require("@aws-sdk/client-sts");
    exports.handler = async ({ role, account }) => {
        const { Credentials: c } = await new STSClient({}).send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: "containment" }));
        const member = new STSClient({ credentials: { accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretAccessKey, sessionToken: c.SessionToken } });
        return { account, arn: (await member.send(new GetCallerIdentityCommand({}))).Arn };
    };`;

describe("LocalEmu: the way of a finding", function () {
    this.timeout(30_000);
    let forensics: Clients;
    let member: Clients;
    let stateMachineArn: string;
    let topicArn: string;
    let ruleArn: string;
    let forensicsQueueUrl: string;
    let memberQueueUrl: string;
    const detailType = unique("GuardDuty Finding");
    const names = { sender: unique("sender"), flow: unique("flow"), rule: unique("rule"), publisher: unique("publisher") };
    const mayPublish = () => ({ Effect: "Allow" as const, Action: "sns:Publish", Resource: topicArn });
    const bus = `arn:aws:events:${REGION}:${FORENSICS}:event-bus/default`;
    const sendFinding = async (id: string) => {
        const { FailedEntryCount } = await member.events.send(
            new PutEventsCommand({ Entries: [{ Source: "aws.guardduty", DetailType: detailType, Detail: JSON.stringify({ id }) }] }),
        );
        expect(FailedEntryCount).to.equal(0);
    };
    const execution = async (name: string) =>
        (await forensics.sfn.send(new ListExecutionsCommand({ stateMachineArn }))).executions!.find((each) => each.name === name);
    const finished = (name: string) =>
        until(`execution ${name}`, async () => {
            const found = await execution(name);
            return found && found.status !== "RUNNING"
                ? forensics.sfn.send(new DescribeExecutionCommand({ executionArn: found.executionArn }))
                : undefined;
        });

    before(async function () {
        this.timeout(600_000);
        [forensics, member] = await Promise.all([rootOf(FORENSICS), rootOf(MEMBER)]);
        const responding = await makeRole(forensics, LAMBDA, [
            logs,
            { Effect: "Allow", Action: "sts:AssumeRole", Resource: `arn:aws:iam::${MEMBER}:role/*` },
        ]);
        const memberRole = await makeRole(member, { AWS: `arn:aws:iam::${FORENSICS}:root` }, [], {
            trustCondition: { ArnEquals: { "aws:PrincipalArn": responding } },
        });
        const respond = await makeFunction(forensics, responding, zipped(responder, true));

        const flowRole = await makeRole(
            forensics,
            { Service: "states.amazonaws.com" },
            [{ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: respond }],
            { name: names.flow },
        );
        const states = {
            Respond: {
                Type: "Task",
                Resource: "arn:aws:states:::lambda:invoke",
                Parameters: { FunctionName: respond, "Payload.$": "$" },
                OutputPath: "$.Payload",
                End: true,
            },
        };
        stateMachineArn = (
            await forensics.sfn.send(
                new CreateStateMachineCommand({
                    name: unique("incident"),
                    roleArn: flowRole,
                    definition: JSON.stringify({ StartAt: "Respond", States: states }),
                }),
            )
        ).stateMachineArn!;

        const starting = await makeRole(forensics, LAMBDA, [
            logs,
            { Effect: "Allow", Action: "states:StartExecution", Resource: stateMachineArn },
        ]);
        const start = await makeFunction(forensics, starting, zipped(starter, true), {
            environment: { STATE_MACHINE: stateMachineArn, MEMBER_ROLE: memberRole },
        });
        topicArn = (await forensics.sns.send(new CreateTopicCommand({ Name: unique("findings") }))).TopicArn!;
        await forensics.lambda.send(
            new AddPermissionCommand({
                FunctionName: start,
                StatementId: "topic",
                Action: "lambda:InvokeFunction",
                Principal: "sns.amazonaws.com",
                SourceArn: topicArn,
            }),
        );
        await forensics.sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: "lambda", Endpoint: start }));

        ruleArn = (
            await forensics.events.send(
                new PutRuleCommand({
                    Name: names.rule,
                    EventPattern: JSON.stringify({ source: ["aws.guardduty"], "detail-type": [detailType] }),
                }),
            )
        ).RuleArn!;
        const inForensics = await makeDeadLetterQueue(forensics, ruleArn);
        forensicsQueueUrl = inForensics.url;
        // Nobody but whom an identity policy lets: conditions in a topic's policy do not hold for EventBridge.
        await forensics.sns.send(
            new SetTopicAttributesCommand({
                TopicArn: topicArn,
                AttributeName: "Policy",
                AttributeValue: fromRule(`${ruleArn}-other`, "sns:Publish", topicArn),
            }),
        );
        const publisher = await makeRole(forensics, { Service: "events.amazonaws.com" }, [mayPublish()], { name: names.publisher });
        await forensics.events.send(
            new PutTargetsCommand({
                Rule: names.rule,
                Targets: [
                    {
                        Id: "topic",
                        Arn: topicArn,
                        RoleArn: publisher,
                        DeadLetterConfig: { Arn: inForensics.arn },
                        RetryPolicy: { MaximumRetryAttempts: 0 },
                    },
                ],
            }),
        );
        await forensics.events.send(
            new PutPermissionCommand({ EventBusName: "default", StatementId: "member", Action: "events:PutEvents", Principal: MEMBER }),
        );

        const sender = await makeRole(
            member,
            { Service: "events.amazonaws.com" },
            [{ Effect: "Allow", Action: "events:PutEvents", Resource: bus }],
            { name: names.sender, trustCondition: { StringEquals: { "aws:SourceAccount": MEMBER } } },
        );
        const memberRule = (
            await member.events.send(
                new PutRuleCommand({ Name: names.rule, EventPattern: JSON.stringify({ "detail-type": [detailType] }) }),
            )
        ).RuleArn!;
        const inMember = await makeDeadLetterQueue(member, memberRule);
        memberQueueUrl = inMember.url;
        await member.events.send(
            new PutTargetsCommand({
                Rule: names.rule,
                Targets: [
                    {
                        Id: "forensics",
                        Arn: bus,
                        RoleArn: sender,
                        DeadLetterConfig: { Arn: inMember.arn },
                        RetryPolicy: { MaximumRetryAttempts: 0 },
                    },
                ],
            }),
        );
    });

    it("arrives as a session of the member's role, with the member's account in the event", async () => {
        const started = Date.now();
        await sendFinding("arrives");
        const { status, output, error, cause } = await finished("arrives");
        expect({ status, error, cause }).to.deep.equal({ status: "SUCCEEDED", error: undefined, cause: undefined });
        const { account, arn } = JSON.parse(output!) as { account: string; arn: string };
        expect(account).to.equal(MEMBER);
        expect(arn).to.match(new RegExp(`^arn:aws:sts::${MEMBER}:assumed-role/.+/containment$`));
        expect(Date.now() - started).to.be.below(10_000);
    });

    it("fails in the workflow when its role may not invoke the function", async () => {
        await forensics.iam.send(new DeleteRolePolicyCommand({ RoleName: names.flow, PolicyName: "inline" }));
        await sendFinding("no-invoke");
        const { status, error, cause } = await finished("no-invoke");
        expect(status).to.equal("FAILED");
        expect(`${error} ${cause}`).to.match(/not authorized to perform: lambda:InvokeFunction|AccessDenied/);
        await forensics.iam.send(
            new PutRolePolicyCommand({
                RoleName: names.flow,
                PolicyName: "inline",
                PolicyDocument: document({ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: "*" }),
            }),
        );
    });

    it("ends in the dead-letter queue when the rule's role may not publish", async () => {
        const before = await waiting(forensics, forensicsQueueUrl);
        await forensics.iam.send(new DeleteRolePolicyCommand({ RoleName: names.publisher, PolicyName: "inline" }));
        await sendFinding("no-publish");
        await until("the finding in the dead-letter queue", async () =>
            (await waiting(forensics, forensicsQueueUrl)) > before ? true : undefined,
        );
        expect(await execution("no-publish")).to.equal(undefined);
        await forensics.iam.send(
            new PutRolePolicyCommand({ RoleName: names.publisher, PolicyName: "inline", PolicyDocument: document(mayPublish()) }),
        );
    });

    it("does not cross when the sender role does not allow it", async () => {
        const before = await waiting(member, memberQueueUrl);
        await member.iam.send(new DeleteRolePolicyCommand({ RoleName: names.sender, PolicyName: "inline" }));
        await sendFinding("no-sender-permission");
        await until("the finding in the member's dead-letter queue", async () =>
            (await waiting(member, memberQueueUrl)) > before ? true : undefined,
        );
        expect(await execution("no-sender-permission")).to.equal(undefined);
        await member.iam.send(
            new PutRolePolicyCommand({
                RoleName: names.sender,
                PolicyName: "inline",
                PolicyDocument: document({ Effect: "Allow", Action: "events:PutEvents", Resource: bus }),
            }),
        );
    });

    it("does not cross when the forensics account's bus does not allow the member", async () => {
        const before = await waiting(member, memberQueueUrl);
        await forensics.events.send(new RemovePermissionCommand({ EventBusName: "default", StatementId: "member" }));
        await sendFinding("no-bus-permission");
        await until("the finding in the member's dead-letter queue", async () =>
            (await waiting(member, memberQueueUrl)) > before ? true : undefined,
        );
        expect(await execution("no-bus-permission")).to.equal(undefined);
        await forensics.events.send(
            new PutPermissionCommand({ EventBusName: "default", StatementId: "member", Action: "events:PutEvents", Principal: MEMBER }),
        );
    });
});

/** Number of messages in a queue. */
async function waiting(aws: Clients, queueUrl: string): Promise<number> {
    const { Attributes } = await aws.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["ApproximateNumberOfMessages"] }),
    );
    return Number(Attributes!.ApproximateNumberOfMessages);
}

/** A queue that a rule may send to. */
async function makeDeadLetterQueue(aws: Clients, ruleArn: string): Promise<{ url: string; arn: string }> {
    const url = (await aws.sqs.send(new CreateQueueCommand({ QueueName: unique("undelivered") }))).QueueUrl!;
    const arn = (await aws.sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }))).Attributes!.QueueArn!;
    await aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy: fromRule(ruleArn, "sqs:SendMessage", arn) } }));
    return { url, arn };
}

/** A resource policy that lets one rule in. */
function fromRule(ruleArn: string, action: string, resource: string): string {
    return document({
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: action,
        Resource: resource,
        Condition: { ArnEquals: { "aws:SourceArn": ruleArn } },
    });
}
