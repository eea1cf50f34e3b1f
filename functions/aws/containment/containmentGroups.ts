/**
 * The two security groups of a containment. An incident makes its own, and what EC2 answered is kept before an interface carries
 * it: names and tags in the member account are anybody's, ids that we were given are not. A declared group serves where making one
 * is refused, and only while it is ruleless and nobody carries it.
 */
import {
    AuthorizeSecurityGroupEgressCommand,
    AuthorizeSecurityGroupIngressCommand,
    CreateSecurityGroupCommand,
    DeleteSecurityGroupCommand,
    DescribeSecurityGroupsCommand,
    EC2Client,
    paginateDescribeNetworkInterfaces,
    paginateDescribeSecurityGroups,
    RevokeSecurityGroupEgressCommand,
} from "@aws-sdk/client-ec2";
import type { IpPermission, SecurityGroup } from "@aws-sdk/client-ec2";
import { randomBytes } from "node:crypto";
import { chooseGroup, servesAs, type GroupRole } from "../../domain/chooseGroup";
import { servesAsQuarantine } from "../../domain/planQuarantine";
import { incidentTag, isolationGroup, quarantineGroup, roleTag, untrackGroup } from "../../domain/tags";
import { eventually, onceGroupIsKnown } from "../consistency";
import { errorCode, isNotFound, isTransient, StepError } from "../errors";
import { log } from "../handler";
import type { Victim } from "../victim";

const anywhere: IpPermission = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
const anywhere6: IpPermission = { IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] };
const texts = { isolation: isolationGroup, untrack: untrackGroup, quarantine: quarantineGroup };
/** Names that are tried; one that is taken was taken by a run that broke off, or by somebody who knows us. */
const mostNames = 4;

async function create(victim: Victim, vpcId: string, role: keyof typeof texts): Promise<string> {
    const name = `${texts[role].name}-${victim.incidentId}`;
    for (let attempt = 0; ; attempt++) {
        const GroupName = attempt === 0 ? name : `${name}-${randomBytes(3).toString("hex")}`;
        const Tags = [
            { Key: "Name", Value: GroupName },
            { Key: roleTag, Value: role },
            { Key: incidentTag, Value: victim.incidentId },
        ];
        try {
            const created = await victim.client(EC2Client).send(
                new CreateSecurityGroupCommand({
                    GroupName,
                    Description: texts[role].description,
                    VpcId: vpcId,
                    TagSpecifications: [{ ResourceType: "security-group", Tags }],
                }),
            );
            return created.GroupId!;
        } catch (error) {
            if (errorCode(error) !== "InvalidGroup.Duplicate" || attempt + 1 === mostNames) throw error;
        }
    }
}

/** A rule that is there already, or not there any more, is what was wanted. */
async function rule(change: () => Promise<unknown>): Promise<void> {
    try {
        await onceGroupIsKnown(change);
    } catch (error) {
        if (!/^InvalidPermission\.(NotFound|Duplicate)$/.test(errorCode(error))) throw error;
    }
}

/** Gives a new group the rules of its role. Which rules it is born with depends on the VPC: with IPv6 it also lets `::/0` out. */
async function shape(victim: Victim, GroupId: string, role: GroupRole): Promise<void> {
    const ec2 = victim.client(EC2Client);
    const changes =
        role === "isolation"
            ? [anywhere, anywhere6].map((each) => () => ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [each] })))
            : [
                  ...[anywhere, anywhere6].map(
                      (each) => () => ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [each] })),
                  ),
                  ...[anywhere, anywhere6].map(
                      (each) => () => ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions: [each] })),
                  ),
              ];
    await Promise.all(changes.map(rule));
}

async function describe(victim: Victim, groupId: string): Promise<SecurityGroup | null> {
    try {
        const { SecurityGroups } = await victim.client(EC2Client).send(new DescribeSecurityGroupsCommand({ GroupIds: [groupId] }));
        return SecurityGroups?.[0] ?? null;
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

/** The declared group of the VPC that may serve; null when there is none. */
async function findDeclared(victim: Victim, vpcId: string, role: GroupRole): Promise<string | null> {
    const ec2 = victim.client(EC2Client);
    const groups: SecurityGroup[] = [];
    const filters = [
        { Name: "vpc-id", Values: [vpcId] },
        { Name: `tag:${roleTag}`, Values: [role] },
    ];
    for await (const page of paginateDescribeSecurityGroups({ client: ec2 }, { Filters: filters }))
        groups.push(...(page.SecurityGroups ?? []));
    const chosen = chooseGroup(groups, vpcId, role, victim.ref.accountId);
    if (chosen === null) return null;
    const carried = [{ Name: "group-id", Values: [chosen] }];
    for await (const page of paginateDescribeNetworkInterfaces({ client: ec2 }, { Filters: carried }))
        if ((page.NetworkInterfaces ?? []).some(({ Attachment }) => Attachment?.InstanceId !== victim.ref.instanceId)) return null;
    return chosen;
}

/**
 * The group of this containment.
 *
 * @param pinned the id that was kept; it serves as long as it has the rules of its role
 * @param pin keeps the id of a new one, before anything uses it
 * @param begun the one that was made before and could not be given its rules; tried again, it is gone on with
 */
export async function ensureGroup(
    victim: Victim,
    vpcId: string,
    role: GroupRole,
    pinned: string | null,
    pin: (id: string) => Promise<void>,
    begun: { id: string | null } = { id: null },
): Promise<string> {
    if (begun.id !== null) {
        await shape(victim, begun.id, role);
        return begun.id;
    }
    if (pinned !== null) {
        const standing = await describe(victim, pinned);
        if (standing !== null && servesAs(standing, role)) return pinned;
        log("a group of ours no longer serves, so another is made", { group: pinned, role, gone: standing === null });
    }
    let id: string;
    try {
        id = await create(victim, vpcId, role);
    } catch (error) {
        if (isTransient(error)) throw error;
        const declared = await findDeclared(victim, vpcId, role);
        if (declared === null) throw error;
        log("no group could be made, so the declared one serves", { group: declared, role, why: errorCode(error) });
        await pin(declared);
        return declared;
    }
    begun.id = id;
    await Promise.all([shape(victim, id, role), pin(id)]);
    return id;
}

/**
 * The quarantine group of this incident: the one whose id was kept, as long as it has exactly its rules, else a new one. It is read back
 * before an interface may carry it.
 *
 * @param reached groups of the endpoints that it lets out to, at 443
 * @param pin keeps the id of a new one, before anything uses it
 * @throws StepError where somebody gives it other rules
 */
export async function ensureQuarantineGroup(
    victim: Victim,
    vpcId: string,
    reached: readonly string[],
    pinned: string | null,
    pin: (id: string) => Promise<void>,
): Promise<string> {
    const serves = (group: SecurityGroup | null) => group !== null && servesAsQuarantine(group, reached);
    if (pinned !== null && serves(await describe(victim, pinned))) return pinned;
    const ec2 = victim.client(EC2Client);
    const GroupId = await create(victim, vpcId, "quarantine");
    await pin(GroupId);
    const toEndpoints: IpPermission = {
        IpProtocol: "tcp",
        FromPort: 443,
        ToPort: 443,
        UserIdGroupPairs: reached.map((each) => ({ GroupId: each })),
    };
    await Promise.all([
        ...[anywhere, anywhere6].map((each) =>
            rule(() => ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [each] }))),
        ),
        rule(() => ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions: [toEndpoints] }))),
    ]);
    if (!serves(await eventually(() => describe(victim, GroupId), serves)))
        throw new StepError(
            "The quarantine group was not read back with its rules alone",
            GroupId,
            "The instance is isolated without it. Look who changed the group.",
        );
    return GroupId;
}

/** Whether a group has exactly the rules of a quarantine group. */
export async function isQuarantine(victim: Victim, groupId: string, reached: readonly string[]): Promise<boolean> {
    const group = await describe(victim, groupId);
    return group !== null && servesAsQuarantine(group, reached);
}

/** A group's rules, each as `in tcp 22-22 from 0.0.0.0/0`; null when there is no such group. */
export async function readRules(victim: Victim, groupId: string): Promise<string[] | null> {
    const group = await describe(victim, groupId);
    if (group === null) return null;
    const lines = (direction: string, rules: IpPermission[] = []) =>
        rules.map(({ IpProtocol, FromPort, ToPort, IpRanges, Ipv6Ranges, PrefixListIds, UserIdGroupPairs }) => {
            const peers = [
                ...(IpRanges ?? []).map(({ CidrIp }) => CidrIp),
                ...(Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
                ...(PrefixListIds ?? []).map(({ PrefixListId }) => PrefixListId),
                ...(UserIdGroupPairs ?? []).map(({ GroupId }) => GroupId),
            ];
            return `${direction} ${IpProtocol === "-1" ? "everything" : IpProtocol} ${FromPort === undefined ? "" : `${FromPort}-${ToPort} `}${direction === "in" ? "from" : "to"} ${peers.join(", ")}`;
        });
    return [...lines("in", group.IpPermissions), ...lines("out", group.IpPermissionsEgress)].sort();
}

/** Deletes a group that was made for an incident, once nothing carries it. @returns whether it is gone */
export async function deleteOwnGroup(victim: Victim, groupId: string, incidentIds: readonly string[]): Promise<boolean> {
    const group = await describe(victim, groupId);
    if (group === null) return true;
    if (!group.Tags?.some(({ Key, Value }) => Key === incidentTag && incidentIds.includes(Value ?? ""))) return false;
    try {
        await victim.client(EC2Client).send(new DeleteSecurityGroupCommand({ GroupId: groupId }));
        return true;
    } catch (error) {
        if (isNotFound(error)) return true;
        if (isTransient(error)) throw error;
        log("a group of a released containment stays", { group: groupId, why: errorCode(error) });
        return false;
    }
}
