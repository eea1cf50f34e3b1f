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
import type { Incident } from "../../functions/domain/containers";
import { instanceArn } from "../../functions/aws/containment/credentials";
import { addDenied } from "../../functions/domain/planCredentialDeny";
import { FakeDynamoDb } from "./aws/dynamoDb";
import { InMemoryAutoScaling } from "./aws/autoScaling";
import { InMemoryCloudTrail } from "./aws/cloudTrail";
import { InMemoryEc2 } from "./aws/ec2";
import { awsError } from "./aws/errors";
import { InMemoryIam } from "./aws/iam";
import { InMemoryLoadBalancing } from "./aws/loadBalancing";
import { perform } from "./aws/operations";
import { InMemoryS3 } from "./aws/s3";
import { underClient, withEnvironment, withoutLog } from "./aws/underClients";
import type { Face } from "./aws/vpc";

type Input = Record<string, unknown>;
export { targetGroupArn } from "./aws/loadBalancing";

export class MemberAccount {
    /** The evidence bucket. */
    readonly s3 = new InMemoryS3();
    readonly objects = this.s3.objects;
    readonly table = new FakeDynamoDb();
    /** Operations in the order of their calls. */
    readonly calls: string[] = [];
    /** How many calls, this one among them, were made one after another up to each call of {@link calls}; those at the same time count once. */
    readonly depths: number[] = [];
    private answered = 0;
    /** Operations that AWS refuses, with its error's name. `Operation:argument` refuses that argument alone. */
    readonly refusals = new Map<string, string>();
    /** Called after each call; a test ends the process or changes the world here. */
    after: (operation: string) => void = () => undefined;

    /** Messages to people. */
    published: { Subject: string; Message: string }[] = [];
    readonly ec2: InMemoryEc2;
    readonly iam: InMemoryIam;
    readonly autoScalingGroup: InMemoryAutoScaling;
    readonly loadBalancing: InMemoryLoadBalancing;
    readonly cloudTrail = new InMemoryCloudTrail();
    private restore: (() => void)[] = [];

    /** @param beside another instance of the same account, and what tells this one's interfaces and volumes from its */
    constructor(
        readonly incident: Incident,
        beside?: { account: MemberAccount; suffix: string },
    ) {
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
        this.restore.push(withEnvironment(variables), withoutLog());
        for (const Client of [
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
        ])
            this.replace(Client);
    }

    remove(): void {
        for (const undo of this.restore.splice(0)) undo();
    }

    private replace(Client: { prototype: object }): void {
        this.restore.push(
            underClient(Client, async (_, name, input) => {
                const depth = this.answered + 1;
                this.depths.push(depth);
                this.calls.push(name);
                // Like a call over a network: answered in a later turn, when all that were made with it are on their way.
                await new Promise((resolve) => setImmediate(resolve));
                this.answered = Math.max(this.answered, depth);
                return this.answer(name, input as Input);
            }),
        );
    }

    /** Answers one call. @throws the AWS error when it is refused */
    answer(name: string, input: Input): unknown {
        const variant = `${name}:${Object.keys(input).filter((key) => key !== "InstanceId" && key !== "NetworkInterfaceId")[0] ?? ""}`;
        const refusal = this.refusals.get(name) ?? this.refusals.get(variant);
        if (refusal) throw awsError(refusal);
        const result = this.perform(name, input);
        this.after(name);
        return result;
    }

    /** As {@link answer}, whatever a test refuses. */
    perform(name: string, input: Input): unknown {
        const { ec2, iam, autoScalingGroup, loadBalancing, cloudTrail } = this;
        return perform([this, ec2, ec2.vpc, iam, autoScalingGroup, loadBalancing, cloudTrail], name, input);
    }

    private onTable(action: string, input: Input): unknown {
        const { status, body } = this.table.answer(action, input);
        if (status === 200) return body;
        const { __type, ...rest } = body as { __type: string };
        throw Object.assign(awsError(__type), rest);
    }
    onGetItem(input: Input): unknown {
        return this.onTable("GetItem", input);
    }
    onUpdateItem(input: Input): unknown {
        return this.onTable("UpdateItem", input);
    }
    onPutItem(input: Input): unknown {
        return this.onTable("PutItem", input);
    }
    onQuery(input: Input): unknown {
        return this.onTable("Query", input);
    }
    onTransactWriteItems(input: Input): unknown {
        return this.onTable("TransactWriteItems", input);
    }

    onSendTaskSuccess(): unknown {
        return {};
    }
    onPublish(input: { Subject: string; Message: string }): unknown {
        this.published.push(input);
        return {};
    }

    onPutObject(input: Input): unknown {
        return this.s3.send("PutObject", input);
    }
    onGetObject(input: Input): unknown {
        return this.s3.send("GetObject", input);
    }
}
