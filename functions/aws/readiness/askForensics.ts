/** What the readiness of the forensics account is judged by, asked as the function's own role. Reads only. */
import { CloudFormationClient, paginateListStackInstances } from "@aws-sdk/client-cloudformation";
import {
    DescribeImagesCommand,
    DescribeInstanceTypeOfferingsCommand,
    DescribeInstanceTypesCommand,
    DescribeSubnetsCommand,
    EC2Client,
    paginateDescribeSnapshots,
    type _InstanceType,
} from "@aws-sdk/client-ec2";
import { DescribeArchiveCommand, type EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { DescribeKeyCommand, GenerateDataKeyWithoutPlaintextCommand, KMSClient } from "@aws-sdk/client-kms";
import { GetObjectLockConfigurationCommand, S3Client } from "@aws-sdk/client-s3";
import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { paginateListSubscriptionsByTopic, SNSClient } from "@aws-sdk/client-sns";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { isStandardType } from "../../domain/readiness/checks";
import { seen, type ReadinessFacts, type Seen } from "../../domain/readiness/facts";
import { endpointServiceName, endpointServices } from "../../domain/endpoints";
import { interfaceEndpoints } from "../cleanRoomEndpoints";
import { forensicsClient } from "../clients";
import { environment } from "../environment";
import { errorCode, isNotFound } from "../errors";
import type { Permissions } from "../permissions";

/**
 * https://docs.aws.amazon.com/general/latest/gr/ec2-service.html, https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html,
 * https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const quotas = {
    standardVcpus: { ServiceCode: "ec2", QuotaCode: "L-1216C47A" },
    snapshots: { ServiceCode: "ebs", QuotaCode: "L-309BACF6" },
    concurrentExecutions: { ServiceCode: "lambda", QuotaCode: "L-B99A9384" },
    interfaceEndpoints: { ServiceCode: "vpc", QuotaCode: "L-29B6F2EB" },
} as const;

/** Read what stands, and nothing of what evidence says. */
export const askForensicsPermissions: Permissions = (names) => [
    {
        Sid: "LookAtClouds",
        Effect: "Allow",
        Action: [
            "ec2:DescribeImages",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeInstanceTypeOfferings",
            "ec2:DescribeSnapshots",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
        ],
        Resource: ["*"],
    },
    ...(names.imageParameterArn === null
        ? []
        : [{ Sid: "ReadImageParameter", Effect: "Allow" as const, Action: ["ssm:GetParameter"], Resource: [names.imageParameterArn] }]),
    {
        Sid: "ReadQuotas",
        Effect: "Allow",
        Action: ["servicequotas:GetServiceQuota"],
        Resource: Object.values(quotas).map(
            ({ ServiceCode, QuotaCode }) =>
                `arn:${names.partition}:servicequotas:${names.region}:${names.forensicsAccountId}:${ServiceCode}/${QuotaCode}`,
        ),
    },
    {
        Sid: "TryEvidenceKey",
        Effect: "Allow",
        Action: ["kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"],
        Resource: [names.evidenceKeyArn],
    },
    { Sid: "ReadObjectLock", Effect: "Allow", Action: ["s3:GetBucketObjectLockConfiguration"], Resource: [names.evidenceBucketArn] },
    {
        Sid: "ListSubscriptions",
        Effect: "Allow",
        Action: ["sns:ListSubscriptionsByTopic"],
        Resource: [names.notificationTopicArn, names.alarmTopicArn],
    },
    {
        Sid: "CountDeadLetters",
        Effect: "Allow",
        Action: ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"],
        Resource: [
            names.deadLetterQueueArn,
            `arn:${names.partition}:sqs:${names.region}:${names.forensicsAccountId}:clean-room-forward-dead-letters`,
        ],
    },
    {
        Sid: "ReadRulesAndArchives",
        Effect: "Allow",
        Action: ["events:DescribeRule", "events:DescribeArchive"],
        Resource: ["rule", "archive"].map(
            (kind) => `arn:${names.partition}:events:${names.region}:${names.forensicsAccountId}:${kind}/clean-room*`,
        ),
    },
    ...(names.organizationId === null
        ? []
        : [
              {
                  // A delegated administrator's StackSets lie in the management account.
                  Sid: "ListStackInstances",
                  Effect: "Allow" as const,
                  Action: ["cloudformation:ListStackInstances"],
                  Resource: [`arn:${names.partition}:cloudformation:*:*:stackset/clean-room-member:*`],
              },
          ]),
];

const ec2 = () => forensicsClient(EC2Client);

async function imageFacts(): Promise<{ id: string; architecture: string; state: string }> {
    const id =
        environment("FORENSIC_IMAGE_ID") ??
        (await forensicsClient(SSMClient).send(new GetParameterCommand({ Name: environment("FORENSIC_IMAGE_PARAMETER") }))).Parameter
            ?.Value ??
        "";
    const { Images: [image] = [] } = await ec2().send(new DescribeImagesCommand({ ImageIds: [id] }));
    return { id, architecture: image?.Architecture ?? "an unknown processor", state: image?.State ?? "not there" };
}

/** An image that is named and is not there is not a question left open. */
async function image(): Promise<ReadinessFacts["image"]> {
    const answer = await seen(
        imageFacts().catch((error: unknown) => {
            if (!isNotFound(error)) throw error;
            return {
                id: environment("FORENSIC_IMAGE_ID") ?? environment("FORENSIC_IMAGE_PARAMETER"),
                architecture: "an unknown processor",
                state: "not there",
            };
        }),
    );
    return answer;
}

async function instanceType(): Promise<{ name: string; architectures: string[]; vcpus: number }> {
    const name = environment("FORENSIC_INSTANCE_TYPE");
    const { InstanceTypes: [type] = [] } = await ec2().send(new DescribeInstanceTypesCommand({ InstanceTypes: [name as _InstanceType] }));
    return { name, architectures: type?.ProcessorInfo?.SupportedArchitectures ?? [], vcpus: type?.VCpuInfo?.DefaultVCpus ?? 1 };
}

async function zones(): Promise<{ ours: string[]; offering: string[] }> {
    const [{ Subnets = [] }, { InstanceTypeOfferings = [] }] = await Promise.all([
        ec2().send(new DescribeSubnetsCommand({ SubnetIds: environment("FORENSIC_SUBNET_IDS") })),
        ec2().send(
            new DescribeInstanceTypeOfferingsCommand({
                LocationType: "availability-zone",
                Filters: [{ Name: "instance-type", Values: [environment("FORENSIC_INSTANCE_TYPE")] }],
            }),
        ),
    ]);
    return {
        ours: [...new Set(Subnets.flatMap(({ AvailabilityZone }) => AvailabilityZone ?? []))].sort(),
        offering: InstanceTypeOfferings.flatMap(({ Location }) => Location ?? []).sort(),
    };
}

async function quota(which: keyof typeof quotas): Promise<number> {
    const { Quota } = await forensicsClient(ServiceQuotasClient).send(new GetServiceQuotaCommand(quotas[which]));
    if (Quota?.Value === undefined) throw new Error("Service Quotas gave no value");
    return Quota.Value;
}

/** Own snapshots, and copies among them that are still under way. */
async function snapshots(): Promise<{ all: number; pending: number }> {
    let [all, pending] = [0, 0];
    for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client: ec2(), pageSize: 1000 }, { OwnerIds: ["self"] })) {
        all += Snapshots.length;
        pending += Snapshots.filter(({ State }) => State === "pending").length;
    }
    return { all, pending };
}

async function endpoints(onDemand: boolean): Promise<Extract<ReadinessFacts["endpoints"], { value: unknown }>["value"]> {
    const region = environment("AWS_REGION");
    const [most, standing] = await Promise.all([quota("interfaceEndpoints"), interfaceEndpoints(ec2(), environment("FORENSIC_VPC_ID"))]);
    const available = standing.filter(({ state }) => state === "available").map(({ serviceName }) => serviceName);
    return {
        used: standing.length,
        quota: most,
        missing: endpointServices.filter((service) => !available.includes(endpointServiceName(region, service))),
        onDemand,
    };
}

async function evidenceKey(): Promise<{ state: string; usable: Seen<true> }> {
    const KeyId = environment("EVIDENCE_KEY_ARN");
    const kms = forensicsClient(KMSClient);
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
    const usable = await seen(
        kms
            .send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId, KeySpec: "AES_256", DryRun: true }))
            .then(() => true as const)
            .catch((error: unknown) => {
                if (errorCode(error) !== "DryRunOperationException") throw error;
                return true as const;
            }),
    );
    return { state: KeyMetadata?.KeyState ?? "unknown", usable };
}

async function objectLock(): Promise<{ mode: string; days: number } | null> {
    try {
        const { ObjectLockConfiguration } = await forensicsClient(S3Client).send(
            new GetObjectLockConfigurationCommand({ Bucket: environment("EVIDENCE_BUCKET") }),
        );
        const { Mode, Days, Years } = ObjectLockConfiguration?.Rule?.DefaultRetention ?? {};
        return Mode ? { mode: Mode, days: Days ?? (Years ?? 0) * 365 } : null;
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

async function emails(topicArns: readonly string[]): Promise<{ topic: string; endpoint: string; confirmed: boolean }[]> {
    const found = [];
    for (const TopicArn of topicArns) {
        for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic({ client: forensicsClient(SNSClient) }, { TopicArn }))
            for (const { Protocol, Endpoint = "", SubscriptionArn = "" } of Subscriptions)
                if (Protocol === "email")
                    found.push({ topic: TopicArn.split(":").at(-1)!, endpoint: Endpoint, confirmed: SubscriptionArn.startsWith("arn:") });
    }
    return found;
}

/** The state of an archive; null where there is none. */
export async function archiveState(client: EventBridgeClient, ArchiveName: string): Promise<string | null> {
    try {
        return (await client.send(new DescribeArchiveCommand({ ArchiveName }))).State ?? "unknown";
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

export interface StackInstance {
    accountId: string;
    region: string;
    status: string;
}

/** Instances of the members' StackSet. */
export async function stackInstances(stackSet: {
    name: string;
    callAs: "SELF" | "DELEGATED_ADMIN";
    homeRegion: string;
}): Promise<StackInstance[]> {
    const client = forensicsClient(CloudFormationClient, stackSet.homeRegion);
    const found: StackInstance[] = [];
    for await (const { Summaries = [] } of paginateListStackInstances({ client }, { StackSetName: stackSet.name, CallAs: stackSet.callAs }))
        for (const { Account = "", Region = "", Status = "unknown" } of Summaries)
            found.push({ accountId: Account, region: Region, status: Status });
    return found;
}

type ForensicsFacts = Pick<
    ReadinessFacts,
    | "image"
    | "instanceType"
    | "zones"
    | "vcpuQuota"
    | "functionsAtOnce"
    | "snapshots"
    | "endpoints"
    | "pendingCopies"
    | "evidenceKey"
    | "objectLock"
    | "emails"
    | "wantedLock"
>;

/** @param topicArns topics that people subscribe to @param endpointsOnDemand whether an incident makes the clean room's endpoints */
export async function askForensics(topicArns: readonly string[], endpointsOnDemand: boolean): Promise<ForensicsFacts> {
    const counted = seen(snapshots());
    const used = async (count: Promise<Seen<number>>, which: keyof typeof quotas): Promise<{ used: number; quota: number }> => {
        const [have, most] = await Promise.all([count, quota(which)]);
        if ("unseen" in have) throw new Error(have.unseen);
        return { used: have.value, quota: most };
    };
    const of = (key: "all" | "pending") =>
        counted.then((answer): Seen<number> => ("value" in answer ? { value: answer.value[key] } : answer));
    const [imageFound, type, inZones, vcpuQuota, functionsAtOnce, ofSnapshots, ofEndpoints, pendingCopies, key, lock, subscriptions] =
        await Promise.all([
            image(),
            seen(instanceType()),
            seen(zones()),
            seen(isStandardType(environment("FORENSIC_INSTANCE_TYPE")) ? quota("standardVcpus") : Promise.resolve(null)),
            seen(quota("concurrentExecutions")),
            seen(used(of("all"), "snapshots")),
            seen(endpoints(endpointsOnDemand)),
            of("pending"),
            seen(evidenceKey()),
            seen(objectLock()),
            seen(emails(topicArns)),
        ]);
    return {
        image: imageFound,
        instanceType: type,
        zones: inZones,
        vcpuQuota,
        functionsAtOnce,
        snapshots: ofSnapshots,
        endpoints: ofEndpoints,
        pendingCopies,
        evidenceKey: key,
        objectLock: lock,
        emails: subscriptions,
        wantedLock: { mode: environment("LOCK_MODE").toUpperCase(), days: environment("LOCK_DAYS") },
    };
}
