/**
 * Cuts and restores whole subnets by their network ACL, for `containment.network: nacl`. A network ACL keeps no state, so
 * it also cuts the connections that security groups let live, of every instance in the subnet.
 */
import {
    CreateNetworkAclCommand,
    DescribeNetworkAclsCommand,
    EC2Client,
    paginateDescribeNetworkAcls,
    paginateDescribeNetworkInterfaces,
    ReplaceNetworkAclAssociationCommand,
} from "@aws-sdk/client-ec2";
import type { NetworkAcl } from "@aws-sdk/client-ec2";
import { chooseNetworkAcl } from "../../domain/chooseGroup";
import type { Victim } from "../victim";
import { isNotFound, StepError } from "../errors";
import { isolationGroup, roleTag } from "../../domain/tags";

async function describe(ec2: EC2Client, name: string, value: string): Promise<NetworkAcl[]> {
    const found: NetworkAcl[] = [];
    for await (const page of paginateDescribeNetworkAcls({ client: ec2 }, { Filters: [{ Name: name, Values: [value] }] }))
        found.push(...(page.NetworkAcls ?? []));
    return found;
}

/** Finds or makes the VPC's network ACL that denies everything; a new one has no other entry than that. */
export async function ensureIsolationAcl(victim: Victim, vpcId: string): Promise<string> {
    const ec2 = victim.client(EC2Client);
    const standing = chooseNetworkAcl(await describe(ec2, "vpc-id", vpcId));
    if (standing) return standing;
    const { NetworkAcl: made } = await ec2.send(
        new CreateNetworkAclCommand({
            VpcId: vpcId,
            TagSpecifications: [
                {
                    ResourceType: "network-acl",
                    Tags: [
                        { Key: "Name", Value: isolationGroup.name },
                        { Key: roleTag, Value: "isolation-nacl" },
                    ],
                },
            ],
        }),
    );
    return made!.NetworkAclId!;
}

/** The network ACL of each subnet. */
export async function readSubnetAcls(victim: Victim, subnetIds: string[]): Promise<{ subnetId: string; networkAclId: string }[]> {
    const acls = (await Promise.all(subnetIds.map((each) => describe(victim.client(EC2Client), "association.subnet-id", each)))).flat();
    return subnetIds.flatMap((subnetId) => {
        const acl = acls.find(({ Associations }) => Associations?.some((each) => each.SubnetId === subnetId));
        return acl === undefined ? [] : [{ subnetId, networkAclId: acl.NetworkAclId! }];
    });
}

/** Whether a network ACL has no entry that lets anything through; false also for one that is gone. */
export async function deniesEverything(victim: Victim, networkAclId: string): Promise<boolean> {
    try {
        const { NetworkAcls } = await victim.client(EC2Client).send(new DescribeNetworkAclsCommand({ NetworkAclIds: [networkAclId] }));
        const acl = NetworkAcls?.[0];
        return acl !== undefined && (acl.Entries ?? []).every(({ RuleAction }) => RuleAction === "deny");
    } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
    }
}

/** Gives a subnet a network ACL. Done twice, the second call finds it done. */
export async function giveNetworkAcl(victim: Victim, subnetId: string, networkAclId: string): Promise<void> {
    const ec2 = victim.client(EC2Client);
    // The association gets another id whenever it is replaced, so it is looked up and not remembered.
    const association = (await describe(ec2, "association.subnet-id", subnetId))
        .flatMap((acl) => acl.Associations ?? [])
        .find((each) => each.SubnetId === subnetId);
    if (!association) throw new StepError("The subnet has no network ACL association", subnetId, "Look whether the subnet still exists.");
    if (association.NetworkAclId === networkAclId) return;
    await ec2.send(
        new ReplaceNetworkAclAssociationCommand({ AssociationId: association.NetworkAclAssociationId!, NetworkAclId: networkAclId }),
    );
}

/** Interfaces in a subnet that carry the isolation group, and are not among `own`: those of other contained instances. */
export async function othersContainedIn(victim: Victim, subnetId: string, isolation: string, own: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    const filters = [
        { Name: "subnet-id", Values: [subnetId] },
        { Name: "group-id", Values: [isolation] },
    ];
    for await (const page of paginateDescribeNetworkInterfaces({ client: victim.client(EC2Client) }, { Filters: filters })) {
        found.push(...(page.NetworkInterfaces ?? []).map((each) => each.NetworkInterfaceId!));
    }
    return found.filter((id) => !own.includes(id)).sort();
}
