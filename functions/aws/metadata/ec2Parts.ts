/** What EC2 says of the instance and of what stands around it. Answers are kept as EC2 gave them. */
import {
    DescribeInstanceAttributeCommand,
    EC2Client,
    GetConsoleOutputCommand,
    GetConsoleScreenshotCommand,
    paginateDescribeFlowLogs,
    paginateDescribeInstances,
    paginateDescribeNatGateways,
    paginateDescribeNetworkAcls,
    paginateDescribeNetworkInterfaces,
    paginateDescribeRouteTables,
    paginateDescribeSecurityGroups,
    paginateDescribeVolumes,
    type Filter,
    type Instance,
} from "@aws-sdk/client-ec2";
import { siblingsOf, type InstanceTraits } from "../../domain/metadata/siblings";
import { errorCode } from "../errors";
import { allPages, beside, jsonContent, type Content, type Moment, type ReadPart } from "./content";

const ec2Of = ({ victim }: Moment) => victim.client(EC2Client);
const filter = (Name: string, ...Values: string[]): Filter[] => [{ Name, Values }];

/** @throws where the VPC is not known, since a filter without a value would match nothing and look like "none" */
function vpcOf({ around }: Moment): string {
    if (around.vpcId === null) throw Object.assign(new Error("its VPC is not known"), { name: "Unknown" });
    return around.vpcId;
}

const listed = (items: unknown[]): Content | null => (items.length === 0 ? null : jsonContent(items));

const interfaces: ReadPart = async (moment) =>
    listed(
        await allPages(
            paginateDescribeNetworkInterfaces(
                { client: ec2Of(moment) },
                { Filters: filter("attachment.instance-id", moment.victim.ref.instanceId) },
            ),
            (page) => page.NetworkInterfaces,
        ),
    );

/** One deleted group must not hide the others, as naming it by its id would: a filter leaves out what is not there. */
const securityGroups: ReadPart = async (moment) => {
    const { groupIds } = moment.around;
    if (groupIds.length === 0) return null;
    const groups = await allPages(
        paginateDescribeSecurityGroups({ client: ec2Of(moment) }, { Filters: filter("group-id", ...groupIds) }),
        (page) => page.SecurityGroups,
    );
    const gone = groupIds.filter((id) => !groups.some(({ GroupId }) => GroupId === id));
    return jsonContent(
        groups,
        gone.map((id) => `the rules of ${id}: EC2 does not know the group any more, or another account shares it`),
    );
};

const routeTables: ReadPart = async (moment) =>
    listed(
        await allPages(
            paginateDescribeRouteTables({ client: ec2Of(moment) }, { Filters: filter("vpc-id", vpcOf(moment)) }),
            (page) => page.RouteTables,
        ),
    );

const networkAcls: ReadPart = async (moment) =>
    listed(
        await allPages(
            paginateDescribeNetworkAcls({ client: ec2Of(moment) }, { Filters: filter("vpc-id", vpcOf(moment)) }),
            (page) => page.NetworkAcls,
        ),
    );

const natGateways: ReadPart = async (moment) =>
    listed(
        await allPages(
            paginateDescribeNatGateways({ client: ec2Of(moment) }, { Filter: filter("vpc-id", vpcOf(moment)) }),
            (page) => page.NatGateways,
        ),
    );

const volumes: ReadPart = async (moment) => {
    const { volumeIds } = moment.around;
    if (volumeIds.length === 0) return null;
    const found = await allPages(
        paginateDescribeVolumes({ client: ec2Of(moment) }, { Filters: filter("volume-id", ...volumeIds) }),
        (page) => page.Volumes,
    );
    const gone = volumeIds.filter((id) => !found.some(({ VolumeId }) => VolumeId === id));
    return jsonContent(
        found,
        gone.map((id) => `${id}: EC2 does not know the volume any more`),
    );
};

/** Tags by resource, out of the answers that hold them; whoever may tag can write them. */
const tags: ReadPart = async (moment) => {
    const missing: string[] = [];
    const ec2 = ec2Of(moment);
    const attached = await beside(
        missing,
        "tags of the interfaces",
        () =>
            allPages(
                paginateDescribeNetworkInterfaces(
                    { client: ec2 },
                    { Filters: filter("attachment.instance-id", moment.victim.ref.instanceId) },
                ),
                (page) => page.NetworkInterfaces,
            ),
        [],
    );
    const disks =
        moment.around.volumeIds.length === 0
            ? []
            : await beside(
                  missing,
                  "tags of the volumes",
                  () =>
                      allPages(
                          paginateDescribeVolumes({ client: ec2 }, { Filters: filter("volume-id", ...moment.around.volumeIds) }),
                          (page) => page.Volumes,
                      ),
                  [],
              );
    if (moment.instance === null) missing.push("tags of the instance: EC2 does not show it");
    const found = Object.fromEntries([
        ...(moment.instance === null ? [] : [[moment.victim.ref.instanceId, moment.instance.Tags ?? []]]),
        ...attached.map(({ NetworkInterfaceId, TagSet }) => [NetworkInterfaceId, TagSet ?? []]),
        ...disks.map(({ VolumeId, Tags }) => [VolumeId, Tags ?? []]),
    ]) as Record<string, unknown>;
    return jsonContent(found, missing);
};

/** As the instance gets it, byte for byte: often the script that an intruder reads secrets from, or the one that starts a miner. */
const userData: ReadPart = async (moment) => {
    const { UserData } = await ec2Of(moment).send(
        new DescribeInstanceAttributeCommand({ InstanceId: moment.victim.ref.instanceId, Attribute: "userData" }),
    );
    const bytes = Buffer.from(UserData?.Value ?? "", "base64");
    return bytes.length === 0 ? null : { body: bytes, ending: "bin", contentType: "application/octet-stream", missing: [] };
};

/** The newest output is served for Nitro instances alone; for others it is what EC2 took at the last boot. */
const consoleOutput: ReadPart = async (moment) => {
    const ask = (Latest: boolean) =>
        ec2Of(moment).send(new GetConsoleOutputCommand({ InstanceId: moment.victim.ref.instanceId, Latest: Latest || undefined }));
    const missing: string[] = [];
    const answer = await ask(true).catch((error: unknown) => {
        if (!/^(UnsupportedOperation|Unsupported|InvalidParameter)/.test(errorCode(error))) throw error;
        missing.push("the newest output: this instance type has only what EC2 kept of the last start");
        return ask(false);
    });
    const bytes = Buffer.from(answer.Output ?? "", "base64");
    return bytes.length === 0 ? null : { body: bytes, ending: "txt", contentType: "text/plain; charset=utf-8", missing };
};

const consoleScreenshot: ReadPart = async (moment) => {
    // WakeUp would press a key on the victim.
    const { ImageData } = await ec2Of(moment).send(new GetConsoleScreenshotCommand({ InstanceId: moment.victim.ref.instanceId }));
    const bytes = Buffer.from(ImageData ?? "", "base64");
    return bytes.length === 0 ? null : { body: bytes, ending: "jpg", contentType: "image/jpeg", missing: [] };
};

/** Where flow logs of the VPC, its subnets and the interfaces go: who the instance talked to stands there and nowhere else. */
const flowLogs: ReadPart = async (moment) => {
    const { subnetIds, interfaceIds } = moment.around;
    return listed(
        await allPages(
            paginateDescribeFlowLogs(
                { client: ec2Of(moment) },
                { Filter: filter("resource-id", vpcOf(moment), ...subnetIds, ...interfaceIds) },
            ),
            (page) => page.FlowLogs,
        ),
    );
};

const addressesOf = (instance: Instance) => (instance.NetworkInterfaces ?? []).flatMap((each) => each.PrivateIpAddresses ?? []);
const unique = (values: (string | undefined)[]): string[] => [...new Set(values.filter((each): each is string => Boolean(each)))].sort();
const groupTag = "aws:autoscaling:groupName";

/** Of an instance what siblings are compared by. */
export const traitsOf = (instance: Instance): InstanceTraits => ({
    instanceId: instance.InstanceId ?? "",
    state: instance.State?.Name ?? "unknown",
    launchedAt: instance.LaunchTime?.toISOString() ?? null,
    autoScalingGroup: instance.Tags?.find(({ Key }) => Key === groupTag)?.Value ?? null,
    imageId: instance.ImageId ?? null,
    profileArn: instance.IamInstanceProfile?.Arn ?? null,
    keyName: instance.KeyName ?? null,
    groupIds: unique((instance.NetworkInterfaces ?? []).flatMap((each) => (each.Groups ?? []).map(({ GroupId }) => GroupId))),
    subnetIds: unique([instance.SubnetId, ...(instance.NetworkInterfaces ?? []).map(({ SubnetId }) => SubnetId)]),
    publicAddresses: unique([instance.PublicIpAddress, ...addressesOf(instance).map(({ Association }) => Association?.PublicIp)]),
    privateAddresses: unique([instance.PrivateIpAddress, ...addressesOf(instance).map(({ PrivateIpAddress }) => PrivateIpAddress)]),
});

const siblings: ReadPart = async (moment) => {
    const { around, instance, victim, since } = moment;
    const others = await allPages(paginateDescribeInstances({ client: ec2Of(moment) }, { MaxResults: 1000 }), (page) =>
        page.Reservations?.flatMap(({ Instances }) => (Instances ?? []).map(traitsOf)),
    );
    const now = instance === null ? null : traitsOf(instance);
    const missing = instance === null ? ["who shares its image or key pair: EC2 does not show the instance any more"] : [];
    const traits: InstanceTraits = {
        instanceId: victim.ref.instanceId,
        state: now?.state ?? "unknown",
        launchedAt: now?.launchedAt ?? null,
        autoScalingGroup: around.autoScalingGroup ?? now?.autoScalingGroup ?? null,
        imageId: now?.imageId ?? null,
        profileArn: around.profileArn,
        keyName: now?.keyName ?? null,
        groupIds: around.groupIdsBefore,
        subnetIds: around.subnetIds,
        publicAddresses: now?.publicAddresses ?? [],
        privateAddresses: now?.privateAddresses ?? [],
    };
    return jsonContent(siblingsOf(traits, others, since), missing);
};

export const ec2Parts = {
    interfaces,
    "security-groups": securityGroups,
    "route-tables": routeTables,
    "network-acls": networkAcls,
    "nat-gateways": natGateways,
    volumes,
    tags,
    "user-data": userData,
    "console-output": consoleOutput,
    "console-screenshot": consoleScreenshot,
    "flow-logs": flowLogs,
    siblings,
} satisfies Record<string, ReadPart>;
