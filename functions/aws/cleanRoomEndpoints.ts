/** Reading and removing the interface endpoints of the clean room. */
import { DeleteVpcEndpointsCommand, paginateDescribeVpcEndpoints, type EC2Client } from "@aws-sdk/client-ec2";
import type { StandingEndpoint } from "../domain/endpoints";
import { purposeTag, roleTag } from "../domain/tags";
import { StepError, TransientError } from "./errors";
import { ec2Arn, type Permissions } from "./permissions";

/** See every endpoint, and remove those that were made for incidents. */
export const removeEndpointsPermissions: Permissions = (names) => [
    { Sid: "FindEndpoints", Effect: "Allow", Action: ["ec2:DescribeVpcEndpoints"], Resource: ["*"] },
    {
        Sid: "RemoveEndpoints",
        Effect: "Allow",
        Action: ["ec2:DeleteVpcEndpoints"],
        Resource: [ec2Arn(names, "vpc-endpoint/*")],
        Condition: { StringEquals: { [`aws:ResourceTag/${roleTag}`]: "clean-room", [`aws:ResourceTag/${purposeTag}`]: "endpoint" } },
    },
];

/** The interface endpoints of a VPC, whoever made them. */
export async function interfaceEndpoints(ec2: EC2Client, vpcId: string): Promise<StandingEndpoint[]> {
    const found: StandingEndpoint[] = [];
    const Filters = [
        { Name: "vpc-id", Values: [vpcId] },
        { Name: "vpc-endpoint-type", Values: ["Interface"] },
    ];
    for await (const { VpcEndpoints = [] } of paginateDescribeVpcEndpoints({ client: ec2 }, { Filters }))
        for (const each of VpcEndpoints)
            found.push({
                endpointId: each.VpcEndpointId!,
                serviceName: each.ServiceName!,
                state: (each.State ?? "pending").toLowerCase(),
                privateDns: each.PrivateDnsEnabled ?? false,
                tags: each.Tags ?? [],
            });
    return found;
}

/** @throws StepFailed when EC2 refuses one: it answers the others all the same. One that is gone is no refusal. */
export async function removeEndpoints(ec2: EC2Client, endpointIds: string[]): Promise<void> {
    if (endpointIds.length === 0) return;
    const { Unsuccessful = [] } = await ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: endpointIds }));
    const refused = Unsuccessful.filter(({ Error }) => !/NotFound/.test(Error?.Code ?? ""));
    if (refused.length === 0) return;
    const why = refused.map((each) => `${each.ResourceId}: ${each.Error?.Code}: ${each.Error?.Message}`).join("; ");
    if (refused.every(({ Error }) => /^(RequestLimitExceeded|Throttl|InternalError|Unavailable)/.test(Error?.Code ?? "")))
        throw new TransientError(why);
    throw new StepError(
        "EC2 does not remove endpoints of the clean room",
        why.slice(0, 800),
        "Delete them by hand: they cost money by the hour.",
    );
}
