/** What captureMetadata reads beside the instance: one trail, one detector without findings, no inventory, a console, a flow log. */
import { awsError } from "./errors";

export class InMemorySurroundings {
    onDescribeRegions(): unknown {
        return { Regions: [{ RegionName: "eu-west-1" }] };
    }
    onDescribeFlowLogs(): unknown {
        return { FlowLogs: [{ FlowLogId: "fl-1", ResourceId: "vpc-1", LogDestinationType: "cloud-watch-logs" }] };
    }
    onDescribeNatGateways(): unknown {
        return { NatGateways: [{ NatGatewayId: "nat-1", VpcId: "vpc-1", State: "available" }] };
    }
    onGetConsoleOutput({ InstanceId }: { InstanceId: string }): unknown {
        return { InstanceId, Output: Buffer.from("login: ").toString("base64") };
    }
    onGetConsoleScreenshot({ InstanceId }: { InstanceId: string }): unknown {
        return { InstanceId, ImageData: Buffer.from("jpeg").toString("base64") };
    }
    onDescribeTrails(): unknown {
        return { trailList: [{ Name: "organization", S3BucketName: "trail", IsMultiRegionTrail: true }] };
    }
    onListDetectors(): unknown {
        return { DetectorIds: ["0123456789abcdef0123456789abcdef"] };
    }
    onListFindings(): unknown {
        return { FindingIds: ["finding"] };
    }
    onGetFindings(): unknown {
        return { Findings: [{ Id: "finding", Type: "Recon:EC2/Portscan", Severity: 5 }] };
    }
    onListInventoryEntries(): unknown {
        throw awsError("InvalidInstanceId");
    }
}

/** What IAM says of the role `app` beside its inline policies (iam.ts). */
export class InMemoryRoles {
    constructor(private readonly policies: ReadonlyMap<string, string>) {}

    onGetRole({ RoleName }: { RoleName: string }): unknown {
        return { Role: { RoleName, Arn: `arn:aws:iam::222222222222:role/${RoleName}`, AssumeRolePolicyDocument: "%7B%7D" } };
    }
    onListRolePolicies(): unknown {
        return { PolicyNames: [...this.policies.keys()], IsTruncated: false };
    }
    onListAttachedRolePolicies(): unknown {
        const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";
        return { AttachedPolicies: [{ PolicyName: "AmazonSSMManagedInstanceCore", PolicyArn }], IsTruncated: false };
    }
    onGetPolicy({ PolicyArn }: { PolicyArn: string }): unknown {
        return { Policy: { Arn: PolicyArn, DefaultVersionId: "v1" } };
    }
    onGetPolicyVersion(): unknown {
        return { PolicyVersion: { VersionId: "v1", Document: "%7B%7D" } };
    }
}
