/** Looks at the victim while its memory is taken: what the network, the agent and the thief can do then is gone once it is contained. */
import { DescribeNetworkInterfacesCommand, DescribeSecurityGroupsCommand, EC2Client, type IpPermission } from "@aws-sdk/client-ec2";
import { DescribeInstanceInformationCommand, SSMClient } from "@aws-sdk/client-ssm";
import { roleTag } from "../../functions/domain/tags";
import type { Stage } from "../stage";
import { tryCredentials } from "../stolenCredentials";

/** One look at the quarantine. */
export interface QuarantineSeen {
    /** Milliseconds since 1970. */
    at: number;
    groupId: string;
    /** Groups of every interface of the victim. */
    interfaces: string[][];
    /** Each rule as `tcp 443-443 to sg-…`. */
    ingress: string[];
    egress: string[];
    /** Whether Systems Manager reaches the agent: its calls are excepted from the deny, and its way is open. */
    agentOnline: boolean;
    /** What ec2:DescribeInstances with the victim's stolen credentials gave. */
    stolenCredentials: string;
}

const pauseMilliseconds = 150;

const rules = (permissions: IpPermission[] = []): string[] =>
    permissions.flatMap(({ IpProtocol, FromPort, ToPort, UserIdGroupPairs = [], IpRanges = [], Ipv6Ranges = [], PrefixListIds = [] }) =>
        [
            ...UserIdGroupPairs.map(({ GroupId }) => GroupId),
            ...IpRanges.map(({ CidrIp }) => CidrIp),
            ...Ipv6Ranges.map(({ CidrIpv6 }) => CidrIpv6),
            ...PrefixListIds.map(({ PrefixListId }) => PrefixListId),
        ].map((end) => `${IpProtocol} ${FromPort ?? "all"}-${ToPort ?? "all"} to ${end}`),
    );

async function look({ clients, localEmu, victim, sharedRole }: Stage): Promise<QuarantineSeen | null> {
    const { accountId, region, instanceId } = victim.instance;
    const [ec2, ssm] = [clients(EC2Client, { accountId, region }), clients(SSMClient, { accountId, region })];
    const groupsOf = async () => {
        const { NetworkInterfaces = [] } = await ec2.send(
            new DescribeNetworkInterfacesCommand({ Filters: [{ Name: "attachment.instance-id", Values: [instanceId] }] }),
        );
        return NetworkInterfaces.map(({ Groups = [] }) => Groups.map(({ GroupId }) => GroupId!));
    };
    const interfaces = await groupsOf();
    const { SecurityGroups = [] } = await ec2.send(
        new DescribeSecurityGroupsCommand({ Filters: [{ Name: `tag:${roleTag}`, Values: ["quarantine"] }] }),
    );
    const group = SecurityGroups.find(({ GroupId }) => interfaces.every((each) => each.length === 1 && each[0] === GroupId));
    if (!group || interfaces.length === 0) return null;
    const [stolenCredentials, { InstanceInformationList = [] }] = await Promise.all([
        tryCredentials(localEmu.endpoint, region, sharedRole.victim.credentials),
        ssm.send(new DescribeInstanceInformationCommand({ Filters: [{ Key: "InstanceIds", Values: [instanceId] }] })),
    ]);
    // Of the same moment: the cut may have come in between.
    if (JSON.stringify(await groupsOf()) !== JSON.stringify(interfaces)) return null;
    return {
        at: Date.now(),
        groupId: group.GroupId!,
        interfaces,
        ingress: rules(group.IpPermissions),
        egress: rules(group.IpPermissionsEgress),
        agentOnline: InstanceInformationList[0]?.PingStatus === "Online",
        stolenCredentials,
    };
}

/** Looks again and again until it is told to stop. @returns the last look at a quarantined victim; null where there was none */
export function watchQuarantine(stage: Stage): { stop: () => Promise<QuarantineSeen | null> } {
    let [over, last] = [false, null as QuarantineSeen | null];
    const watching = (async () => {
        while (!over) {
            last = (await look(stage)) ?? last;
            await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
        }
    })();
    return {
        stop: async () => {
            over = true;
            await watching;
            return last;
        },
    };
}
