/**
 * The member account of one instance, the evidence bucket and the incidents table, in memory under the AWS SDK's clients: as far as containing and
 * releasing speak to them. Refuses what a test says, with the error that AWS gives.
 */
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { SSMClient } from "@aws-sdk/client-ssm";
import type { Incident } from "../../functions/domain/containers";
import { instanceArn } from "../../functions/aws/containment/credentials";
import { addDenied } from "../../functions/domain/planCredentialDeny";
import { InMemoryAccounts } from "./aws/accounts";
import { InMemoryAutoScaling } from "./aws/autoScaling";
import { InMemoryCloudTrail } from "./aws/cloudTrail";
import { InMemoryEc2 } from "./aws/ec2";
import { InMemoryIam } from "./aws/iam";
import { InMemoryLoadBalancing } from "./aws/loadBalancing";
import { perform } from "./aws/operations";
import { InMemorySns } from "./aws/sns";
import { InMemoryStepFunctions } from "./aws/stepFunctions";
import { InMemoryRunCommand } from "./aws/systemsManager";
import type { Face } from "./aws/vpc";

export { targetGroupArn } from "./aws/loadBalancing";

export class MemberAccount extends InMemoryAccounts {
    /** Messages to people. */
    readonly sns = new InMemorySns();
    readonly published = this.sns.published;
    readonly stepFunctions = new InMemoryStepFunctions();
    readonly ec2: InMemoryEc2;
    readonly iam: InMemoryIam;
    readonly autoScalingGroup: InMemoryAutoScaling;
    readonly loadBalancing: InMemoryLoadBalancing;
    readonly cloudTrail = new InMemoryCloudTrail();
    readonly runCommand = new InMemoryRunCommand();

    /** @param beside another instance of the same account, and what tells this one's interfaces and volumes from its */
    constructor(
        readonly incident: Incident,
        beside?: { account: MemberAccount; suffix: string },
    ) {
        super();
        const { accountId, instanceId } = incident.instance;
        const suffix = beside?.suffix ?? "";
        this.ec2 = beside?.account.ec2 ?? new InMemoryEc2(accountId);
        this.iam = beside?.account.iam ?? new InMemoryIam();
        this.autoScalingGroup = new InMemoryAutoScaling(instanceId);
        this.loadBalancing = new InMemoryLoadBalancing(instanceId);
        this.ec2.addInstance(
            {
                InstanceId: instanceId,
                InstanceType: "t3.medium",
                Tags: [],
                LaunchTime: new Date("2026-11-01T00:00:00.000Z"),
                VpcId: "vpc-1",
                RootDeviceType: "ebs",
                MetadataOptions: { HttpEndpoint: "enabled" },
                IamInstanceProfile: { Arn: `arn:aws:iam::${accountId}:instance-profile/app` },
            },
            {
                "/dev/xvda": { VolumeId: `vol-vda${suffix}`, DeleteOnTermination: true },
                "/dev/sdf": { VolumeId: `vol-sdf${suffix}`, DeleteOnTermination: false },
            },
        );
        this.interfaces = [
            { id: `eni-1${suffix}`, subnet: "subnet-a", groups: ["sg-app", "sg-ssh"], timeout: undefined },
            { id: `eni-2${suffix}`, subnet: "subnet-b", groups: ["sg-app"], timeout: 350 },
        ];
    }

    private get instance(): Record<string, unknown> {
        return this.ec2.instances.get(this.incident.instance.instanceId)!;
    }
    get state(): string {
        return (this.instance.State as { Name: string }).Name;
    }
    set state(Name: string) {
        this.instance.State = { Name };
    }
    set tags(tags: { Key: string; Value: string }[]) {
        this.instance.Tags = tags;
    }
    get attributes() {
        return this.ec2.attributes.get(this.incident.instance.instanceId)!;
    }
    get interfaces(): Face[] {
        return this.ec2.vpc.faces.get(this.incident.instance.instanceId)!;
    }
    set interfaces(faces: Face[]) {
        this.ec2.vpc.faces.set(this.incident.instance.instanceId, faces);
    }
    /** By device; may be written. */
    get deleteOnTermination(): Record<string, boolean> {
        const { instanceId } = this.incident.instance;
        const devices = this.instance.BlockDeviceMappings as { DeviceName: string; Ebs: { DeleteOnTermination: boolean } }[];
        return Object.defineProperties(
            {},
            Object.fromEntries(
                devices.map(({ DeviceName, Ebs }) => [
                    DeviceName,
                    {
                        enumerable: true,
                        get: () => Ebs.DeleteOnTermination,
                        set: (goes: boolean) => this.ec2.setDeleteOnTermination(instanceId, DeviceName, goes),
                    },
                ]),
            ),
        ) as Record<string, boolean>;
    }
    get metadata(): string {
        return (this.instance.MetadataOptions as { HttpEndpoint: string }).HttpEndpoint;
    }
    set metadata(HttpEndpoint: string) {
        this.instance.MetadataOptions = { HttpEndpoint };
    }
    set lifecycle(lifecycle: "spot") {
        this.instance.InstanceLifecycle = lifecycle;
    }
    set launchTime(time: Date) {
        this.instance.LaunchTime = time;
    }
    set publicIp(address: string) {
        this.ec2.vpc.publicIps.set(this.incident.instance.instanceId, address);
    }
    /** The instance's profile. */
    set profile(name: string | null) {
        this.instance.IamInstanceProfile = name === null ? undefined : { Arn: `arn:aws:iam::222222222222:instance-profile/${name}` };
    }
    /** The interface that is a trunk. */
    set trunk(id: string) {
        this.ec2.vpc.trunks.add(id);
    }
    get autoScaling(): string | null {
        return this.autoScalingGroup.state;
    }
    set autoScaling(state: string | null) {
        this.autoScalingGroup.state = state;
    }

    /** Everything containment may change, as plain data to compare. */
    snapshot(): unknown {
        const { attributes, interfaces, deleteOnTermination, metadata, autoScaling } = this;
        const { targets, classic } = this.loadBalancing;
        return structuredClone({
            attributes,
            interfaces: interfaces.map((each) => ({ ...each, timeout: each.timeout ?? 432_000, groups: [...each.groups].sort() })),
            deleteOnTermination,
            metadata,
            autoScaling,
            targets,
            classic,
            acls: this.ec2.vpc.acls,
            policies: [...this.iam.policies],
        });
    }

    /** Denies another instance's credentials on the same role, as another incident did. */
    denyAnother(instanceId: string): void {
        this.iam.policies.set(
            "clean-room-contained-instances",
            addDenied(
                this.iam.policies.get("clean-room-contained-instances") ?? null,
                instanceArn({ ...this.incident.instance, instanceId }),
            ),
        );
    }

    install(environment: Record<string, string>): void {
        const variables = {
            AWS_REGION: "eu-west-1",
            PARTITION: "aws",
            RESPONDER_ROLE_NAME: "clean-room-responder",
            EVIDENCE_BUCKET: "evidence",
            CONTAIN_CREDENTIALS: "deny-instance",
            CONTAIN_NETWORK: "groups",
            INCIDENTS_TABLE: "incidents",
            CONTAINMENT_POLICY: "{}",
            ...environment,
        };
        this.stand(variables, [
            EC2Client,
            AutoScalingClient,
            ElasticLoadBalancingClient,
            ElasticLoadBalancingV2Client,
            IAMClient,
            S3Client,
            DynamoDBClient,
            SFNClient,
            SNSClient,
            CloudTrailClient,
            SSMClient,
        ]);
    }

    perform(name: string, input: Record<string, unknown>): unknown {
        const { ec2, iam, autoScalingGroup, loadBalancing, cloudTrail, table, s3, sns, stepFunctions, runCommand } = this;
        return perform(
            [ec2, ec2.vpc, iam, autoScalingGroup, loadBalancing, cloudTrail, table, s3, sns, stepFunctions, runCommand],
            name,
            input,
        );
    }
}
