/** What a rehearsal of a deployment that rots works with. */
import { DescribeImagesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { GuardDutyClient } from "@aws-sdk/client-guardduty";
import { IAMClient } from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import {
    GetFunctionConfigurationCommand,
    LambdaClient,
    UpdateFunctionConfigurationCommand,
    waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { ConfirmSubscriptionCommand, SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { bringAbout } from "../../../../rehearsal/circumstances";
import type { Target } from "../../../../rehearsal/deploy/localClients";
import { forensics, member, type LocalEstate } from "../../support/localEstate";

/** One thing that rots. */
export interface Rot {
    what: string;
    /** Breaks it. @returns what mends it */
    breaks: () => Promise<() => Promise<unknown>>;
    /** What is said of each check that is not ok then, by its id: what was looked at, and how it stands. All others must be ok. */
    says: Record<string, RegExp>;
    /** What the function is asked for besides. */
    asked?: object;
}

export const address = "incidents@example.com";
export const imageParameter = "/images/forensic";
export const functionName = "clean-room-checkReadiness";
/** Beside accounts and Region. */
export const settings = {
    evidence: { retentionDays: 2 },
    support: { enabled: false },
    network: { endpoints: "standing" },
    forensicInstance: { imageParameter },
    notifications: { emails: [address] },
};

export type Rotting = ReturnType<typeof rotting>;

/** Clients and changes of a deployment that is begun later, since tests are named before it is. */
export function rotting() {
    const estate = {
        /** Once it is begun. */
        local: undefined as unknown as LocalEstate,
        /** Of the function, as deployed. */
        variables: {} as Record<string, string>,
        /** ARNs of the e-mail subscriptions. */
        subscriptions: [] as string[],
        /** What Slack answers to a post without text. */
        slackSays: { status: 400, answer: "no_text" },
    };
    const lambda = () => estate.local.clients(LambdaClient, forensics);
    const ec2 = () => estate.local.clients(EC2Client, forensics);
    const events = (of = forensics) => estate.local.clients(EventBridgeClient, of);
    const iam = () => estate.local.clients(IAMClient, member);
    const kms = () => estate.local.clients(KMSClient, forensics);
    const s3 = () => estate.local.clients(S3Client, forensics);
    const sns = () => estate.local.clients(SNSClient, forensics);
    const sqs = () => estate.local.clients(SQSClient, forensics);
    const ssm = () => estate.local.clients(SSMClient, forensics);
    const guardDuty = () => estate.local.clients(GuardDutyClient, member);

    const imageOf = async (architecture: string) =>
        (await ec2().send(new DescribeImagesCommand({ Owners: ["amazon"], Filters: [{ Name: "architecture", Values: [architecture] }] })))
            .Images![0]!.ImageId!;
    const putImage = (Value: string) =>
        ssm().send(new PutParameterCommand({ Name: imageParameter, Value, Type: "String", Overwrite: true }));
    const quota = (service: string, code: string, value: number | null) =>
        bringAbout(estate.local.localEmu.endpoint, { ...forensics, kind: "serviceQuota", service, quota: code, value });

    async function confirm(arn: string): Promise<void> {
        const answer = await fetch(`${estate.local.localEmu.endpoint}/_aws/sns/subscription-tokens/${arn}`);
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
            new UpdateFunctionConfigurationCommand({
                FunctionName: functionName,
                Environment: { Variables: { ...estate.variables, ...other } },
            }),
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
    return Object.assign(estate, {
        lambda,
        ec2,
        events,
        iam,
        kms,
        s3,
        sns,
        sqs,
        ssm,
        guardDuty,
        imageOf,
        putImage,
        quota,
        confirm,
        ownRole,
        withVariables,
        configured,
        ruleOff,
    });
}
