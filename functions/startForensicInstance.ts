/** Starts the forensic instance of an incident in the clean room: no public address, no key pair, encrypted, once. */
import { DescribeImagesCommand, EC2Client, RunInstancesCommand, type _InstanceType, type Instance } from "@aws-sdk/client-ec2";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { forensicsClient } from "./aws/clients";
import { tagAtCreation, taggedAtCreation, useKeyThroughEbs } from "./aws/ec2Permissions";
import { environment, needs } from "./aws/environment";
import { errorCode, isNotFound, NotYetError, StepError } from "./aws/errors";
import { forensicInstances } from "./aws/forensicInstances";
import { log, step } from "./aws/handler";
import { ec2Arn, readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { tellBesides, tellOfWaiting } from "./aws/problems";
import { evidenceSchema, forensicHostSchema, incidentSchema, type Evidence, type ForensicHost } from "./domain/containers";
import { errorRecord } from "./domain/evidenceKeys";
import { evidenceOfRound, reportedByWorkflow } from "./domain/planRounds";
import { incidentTags, roundTag, tagValue } from "./domain/tags";
import { isAboutTheSubnet, isQuota, isSharedQuota, planLaunch, typesToTry, type LaunchAttempt } from "./domain/planLaunch";
import { planSize, sizeOn } from "./domain/planSize";

/** Given by the deployment. */
export const variables = needs(
    "EVIDENCE_BUCKET",
    "EVIDENCE_KEY_ARN",
    "FORENSIC_SUBNET_IDS",
    "FORENSIC_SECURITY_GROUP_ID",
    "FORENSIC_INSTANCE_PROFILE_ARN",
    "FORENSIC_INSTANCE_TYPE",
    "FORENSIC_IMAGE_ID",
    "FORENSIC_IMAGE_PARAMETER",
    "ANALYSIS_TIMEOUT_SECONDS",
    "HASH_TWICE",
);

/** Start instances with an incident's tag, with the forensic role alone, from the image that a public parameter names. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    { Sid: "FindHostAndImage", Effect: "Allow", Action: ["ec2:DescribeInstances", "ec2:DescribeImages"], Resource: ["*"] },
    {
        Sid: "StartInCleanRoom",
        Effect: "Allow",
        Action: ["ec2:RunInstances"],
        Resource: [
            ec2Arn(names, "image/*", ""),
            ec2Arn(names, "subnet/*"),
            ec2Arn(names, "security-group/*"),
            ec2Arn(names, "network-interface/*"),
        ],
    },
    {
        Sid: "StartTaggedHost",
        Effect: "Allow",
        Action: ["ec2:RunInstances"],
        Resource: [ec2Arn(names, "instance/*"), ec2Arn(names, "volume/*")],
        Condition: taggedAtCreation,
    },
    tagAtCreation([ec2Arn(names, "instance/*"), ec2Arn(names, "volume/*")], "RunInstances"),
    {
        Sid: "GiveForensicRole",
        Effect: "Allow",
        Action: ["iam:PassRole"],
        Resource: [names.forensicRoleArn],
        Condition: { StringEquals: { "iam:PassedToService": names.partition === "aws-cn" ? "ec2.amazonaws.com.cn" : "ec2.amazonaws.com" } },
    },
    ...(names.imageParameterArn === null
        ? []
        : [{ Sid: "ReadImageParameter", Effect: "Allow" as const, Action: ["ssm:GetParameter"], Resource: [names.imageParameterArn] }]),
    ...useKeyThroughEbs(names, "EncryptRootVolume", names.evidenceKeyArn),
    ...readEvidence(errorRecord("StartForensicInstance"))(names),
    ...writeEvidence(errorRecord("StartForensicInstance"))(names),
];

/** GiB of the root volume: timelines of tens of millions of files are written there before they are uploaded. */
const resultsGiB = 64;
/** Former instances of one incident that are looked past before the step gives up. */
const mostGenerations = 10;

async function imageId(): Promise<string> {
    const configured = environment("FORENSIC_IMAGE_ID");
    if (configured) return configured;
    const parameter = environment("FORENSIC_IMAGE_PARAMETER");
    try {
        const { Parameter } = await forensicsClient(SSMClient).send(new GetParameterCommand({ Name: parameter }));
        if (/^ami-[0-9a-f]{8,17}$/.test(Parameter?.Value ?? "")) return Parameter!.Value!;
    } catch (error) {
        if (!isNotFound(error)) throw error;
    }
    throw new StepError(
        "The SSM parameter does not hold the id of an image",
        parameter,
        "Set forensicInstance.imageParameter or imageIds in the stack's configuration and deploy again.",
    );
}

/** The image's root device, and its size made large enough for the results of an analysis. */
async function rootVolumeOf(ec2: EC2Client, image: string): Promise<{ device: string; sizeGiB: number }> {
    try {
        const { Images: [found] = [] } = await ec2.send(new DescribeImagesCommand({ ImageIds: [image] }));
        const device = found?.RootDeviceName;
        const ownSize = found?.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === device)?.Ebs?.VolumeSize ?? 0;
        if (device) return { device, sizeGiB: Math.max(ownSize, resultsGiB) };
    } catch (error) {
        if (!isNotFound(error)) throw error;
    }
    throw new StepError(
        "The forensic image does not exist in this Region",
        image,
        "Set forensicInstance.imageIds for the Region, or share the image with the forensics account.",
    );
}

const isLive = (instance: Instance) => instance.State?.Name === "pending" || instance.State?.Name === "running";

/** The round that an instance was started for: a host of an earlier one, which its tear-down did not end yet, is not this one's. */
const startedForRound = ({ Tags }: Instance): number => Number(tagValue(Tags, roundTag) ?? 1);

/** @param evidence of the round alone */
function toHost(incidentId: string, instance: Instance, { snapshots }: Evidence, round: number | null): ForensicHost {
    return {
        schemaVersion: 1,
        incidentId,
        instanceId: instance.InstanceId!,
        ...(round === null ? {} : { round }),
        // By the type that AWS had, which may be a smaller one than was planned.
        plan: sizeOn(
            instance.InstanceType ?? environment("FORENSIC_INSTANCE_TYPE"),
            snapshots,
            environment("ANALYSIS_TIMEOUT_SECONDS"),
            environment("HASH_TWICE"),
        ),
        imageId: instance.ImageId!,
        availabilityZone: instance.Placement!.AvailabilityZone!,
        volumes: [],
        missing: [],
    };
}

/** What all attempts of a launch have in common. */
interface Launch {
    incidentId: string;
    round: number;
    imageId: string;
    rootVolume: { device: string; sizeGiB: number };
    instanceTypes: string[];
    subnetIds: string[];
}

/** @returns null when EC2 gave back a former host, as it does for as long as it remembers the token. */
async function run(ec2: EC2Client, launch: Launch, { instanceType, subnetId, clientToken }: LaunchAttempt): Promise<Instance | null> {
    const tags = incidentTags(launch.incidentId, "forensic-host");
    if (launch.round > 1) tags.push({ Key: roundTag, Value: String(launch.round) });
    try {
        const { Instances = [] } = await ec2.send(
            new RunInstancesCommand({
                ImageId: launch.imageId,
                InstanceType: instanceType as _InstanceType,
                MinCount: 1,
                MaxCount: 1,
                ClientToken: clientToken,
                NetworkInterfaces: [
                    {
                        DeviceIndex: 0,
                        SubnetId: subnetId,
                        Groups: [environment("FORENSIC_SECURITY_GROUP_ID")],
                        AssociatePublicIpAddress: false,
                        DeleteOnTermination: true,
                    },
                ],
                IamInstanceProfile: { Arn: environment("FORENSIC_INSTANCE_PROFILE_ARN") },
                MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1, HttpEndpoint: "enabled" },
                BlockDeviceMappings: [
                    {
                        DeviceName: launch.rootVolume.device,
                        Ebs: {
                            VolumeSize: launch.rootVolume.sizeGiB,
                            Encrypted: true,
                            KmsKeyId: environment("EVIDENCE_KEY_ARN"),
                            VolumeType: "gp3",
                            DeleteOnTermination: true,
                        },
                    },
                ],
                TagSpecifications: [
                    { ResourceType: "instance", Tags: tags },
                    { ResourceType: "volume", Tags: tags },
                ],
            }),
        );
        return Instances.find(isLive) ?? null;
    } catch (error) {
        if (errorCode(error) === "IdempotentInstanceTerminated") return null;
        throw error;
    }
}

/** Tries one type and subnet after the other. @returns null when a former host stands under one of the tokens. */
async function runInSomeSubnet(ec2: EC2Client, launch: Launch, generation: number): Promise<Instance | null> {
    const refusals: string[] = [];
    const overQuota = new Set<string>();
    for (const attempt of planLaunch(launch, generation)) {
        const size = attempt.instanceType.split(".")[1] ?? "";
        if (overQuota.has(size)) continue;
        try {
            return await run(ec2, launch, attempt);
        } catch (error) {
            const code = errorCode(error);
            if (!isAboutTheSubnet(code) && !isQuota(code)) throw error;
            // All stand-ins draw on one quota of processors, so only a smaller one may fit.
            if (isSharedQuota(code)) overQuota.add(size);
            refusals.push(`${attempt.instanceType} in ${attempt.subnetId}: ${code}`);
        }
    }
    const quota = refusals.some((each) => isQuota(each.slice(each.lastIndexOf(" ") + 1)));
    throw new NotYetError(
        `No forensic instance could be started (${refusals.join(", ")}).${quota ? " The forensics account's quota stands in the way: raise the one of running On-Demand instances, or end an instance that is not needed." : ""}`,
    );
}

async function start(ec2: EC2Client, incidentId: string, { snapshots }: Evidence, round: number): Promise<Instance> {
    const image = await imageId();
    const { types, plan } = planSize(
        snapshots,
        environment("FORENSIC_INSTANCE_TYPE"),
        environment("ANALYSIS_TIMEOUT_SECONDS"),
        environment("HASH_TWICE"),
    );
    log("size of the analysis", { incidentId, ...plan });
    const launch: Launch = {
        incidentId,
        round,
        imageId: image,
        rootVolume: await rootVolumeOf(ec2, image),
        instanceTypes: types.flatMap(typesToTry),
        subnetIds: environment("FORENSIC_SUBNET_IDS"),
    };
    for (let generation = 0; generation < mostGenerations; generation++) {
        const instance = await runInSomeSubnet(ec2, launch, generation);
        if (instance) return instance;
    }
    throw new StepError(
        `${mostGenerations} forensic instances of the incident were started and ended`,
        incidentId,
        "Look in CloudTrail at what ends them, then npm run resume goes on from there a day later.",
    );
}

/**
 * @returns as soon as EC2 accepted the instance; the next steps wait for it
 * @throws NotYet when no type has capacity or quota in any subnet, of which people are told after ten minutes; StepFailed on a wrong image
 */
export const handler = step({
    name: "StartForensicInstance",
    waits: "StartForensicInstance",
    input: z.object({
        incident: incidentSchema,
        evidence: evidenceSchema,
        /** Which round it is for. */
        round: z.object({ number: z.number().int().positive() }).default({ number: 1 }),
        /** When the step began; the workflow's. */
        since: z.iso.datetime({ offset: true }).nullable().default(null),
    }),
    output: forensicHostSchema,
    run: async ({ incident, evidence: whole, round: { number: round }, since }) => {
        const { incidentId } = incident;
        const evidence = evidenceOfRound(whole, round);
        const ec2 = forensicsClient(EC2Client);
        const standing = (await forensicInstances(ec2, incidentId))
            .filter((instance) => isLive(instance) && startedForRound(instance) === round)
            .sort((left, right) => (left.InstanceId! < right.InstanceId! ? -1 : 1))[0];
        const instance =
            standing ??
            (await start(ec2, incidentId, evidence, round).catch(async (error: unknown) => {
                if (error instanceof NotYetError)
                    await tellOfWaiting(
                        incident,
                        "StartForensicInstance",
                        (round > 1 ? since : null) ?? evidence.completedAt,
                        error.message,
                    );
                throw error;
            }));
        log(standing ? "the forensic instance was started before" : "forensic instance started", {
            incidentId,
            instanceId: instance.InstanceId,
        });
        const host = toHost(incidentId, instance, evidence, reportedByWorkflow(whole) ? round : null);
        if (host.plan && !host.plan.fits)
            await tellBesides(
                incident,
                "StartForensicInstance",
                "LargerThanOneAnalysis",
                `${host.plan.gibibytes} GiB on ${host.plan.instanceType} are more than an analysis reads in 48 hours, the longest that Run Command lets it run. It begins all the same, with the root volume; what it does not come to is named in the report. The evidence itself is whole: volumes that are named there can be analysed by hand from their locked snapshots.`,
            );
        return host;
    },
});
