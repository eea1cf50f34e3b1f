/** What rots of the forensic instance: image, type, quotas, endpoints, snapshots under way. */
import {
    CreateSnapshotCommand,
    CreateVolumeCommand,
    CreateVpcEndpointCommand,
    DeleteVpcEndpointsCommand,
    DescribeSubnetsCommand,
    DescribeVpcEndpointsCommand,
} from "@aws-sdk/client-ec2";
import { DeleteParameterCommand, GetParameterCommand } from "@aws-sdk/client-ssm";
import { until } from "../../../../rehearsal/watch";
import { region } from "../../support/localEstate";
import { imageParameter, type Rot, type Rotting } from "./rotting";

export function hostRots(estate: Rotting): Rot[] {
    const { ec2, ssm, imageOf, putImage, quota, configured } = estate;

    return [
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
            what: "few functions may run at a time, as in a new account",
            breaks: async () => {
                await quota("lambda", "L-B99A9384", 10);
                return () => quota("lambda", "L-B99A9384", null);
            },
            says: {
                "quota-functions":
                    /the quota for Lambda functions that run at a time: 10 may run at a time, and ten incidents at once need 50.* -> Ask for 1,000/,
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
                    new DescribeVpcEndpointsCommand({ Filters: [{ Name: "vpc-id", Values: [estate.variables.FORENSIC_VPC_ID!] }] }),
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
                    new DescribeSubnetsCommand({ SubnetIds: estate.variables.FORENSIC_SUBNET_IDS!.split(",") }),
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
    ];
}
