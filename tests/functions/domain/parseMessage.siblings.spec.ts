/**
 * Findings that name an instance in every other way than the fixtures do. Each is followed, or told to people with the instance it has to
 * do with, or told to people with what is wrong; none is dropped without a word, and none throws.
 */
import { expect } from "chai";
import { parseMessage } from "../../../functions/domain/parseMessage";
import { findingWith, fixture, put, victim, victimFindingId } from "./messageFixtures";

const { instanceId, accountId, region } = victim;
const old = "i-0a1b2c3d";
const second = "i-0b2c3d4e5f6071829";
const ec2Arn = (id: string, where = `${region}:${accountId}`, partition = "aws") => `arn:${partition}:ec2:${where}:instance/${id}`;
const text = (value: unknown) => JSON.stringify(value);
const base64 = (value: unknown) => Buffer.from(text(value)).toString("base64");

const event = (detail: unknown, detailType = "GuardDuty Finding", source = "aws.guardduty") => ({
    version: "0",
    id: "6f9c1b52-0d3e-4c7a-9b1f-2e8d7c6b5a40",
    "detail-type": detailType,
    source,
    account: accountId,
    time: "2026-11-24T09:40:02Z",
    region,
    resources: [],
    detail,
});
const sns = (Message: unknown) => ({ Type: "Notification", MessageId: "m", TopicArn: `arn:aws:sns:${region}:${accountId}:t`, Message });
const asff = (changes: Record<string, unknown> = {}) => {
    const finding = fixture("asff");
    for (const [path, value] of Object.entries(changes)) put(finding, path, value);
    return finding;
};
const ocsf = (changes: Record<string, unknown> = {}) => {
    const [finding] = (fixture("securityhub-v2").detail as { findings: Record<string, unknown>[] }).findings;
    for (const [path, value] of Object.entries(changes)) put(finding, path, value);
    return finding!;
};
const sequence = (type: string, within: Record<string, unknown>) =>
    findingWith({
        type,
        resource: { resourceType: "AttackSequence" },
        "service.detection": { sequence: { uid: "s", description: "d", resources: [], signals: [], ...within } },
    });
const accessKey = (details: Record<string, unknown>, type = "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS") =>
    findingWith({ type, resource: { resourceType: "AccessKey", accessKeyDetails: { accessKeyId: "ASIAEXAMPLE", ...details } } });
const upper = (value: unknown): unknown =>
    Array.isArray(value)
        ? value.map(upper)
        : typeof value === "object" && value !== null
          ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toUpperCase(), upper(inner)]))
          : value;

/** `follows`: instances of an incident. `tells`: instances people are told of. `says`: what the reason has to hold. */
interface Row {
    what: string;
    message: unknown;
    follows?: string[];
    tells?: string[];
    says?: RegExp;
}

const rows: Row[] = [
    // GuardDuty: where the instance stands.
    { what: "an instance id of 8 digits", message: findingWith({ "resource.instanceDetails.instanceId": old }), follows: [old] },
    {
        what: "an ARN as the instance id",
        message: findingWith({ "resource.instanceDetails.instanceId": ec2Arn(instanceId) }),
        follows: [instanceId],
    },
    {
        what: "an instance id in capitals",
        message: findingWith({ "resource.instanceDetails.instanceId": instanceId.toUpperCase() }),
        tells: [instanceId],
    },
    {
        what: "an instance id with blanks about it",
        message: findingWith({ "resource.instanceDetails.instanceId": ` ${instanceId}\n` }),
        follows: [instanceId],
    },
    {
        what: "an instance that is named by its ARN only",
        message: findingWith({ "resource.instanceDetails": { instanceArn: ec2Arn(instanceId) } }),
        follows: [instanceId],
    },
    { what: "an instance in the text only", message: findingWith({ "resource.instanceDetails": null }), tells: [instanceId] },
    {
        what: "an instance in the title only",
        message: findingWith({ "resource.instanceDetails": {}, description: "", title: `Unprotected port on EC2 instance ${instanceId}.` }),
        tells: [instanceId],
    },
    { what: "no kind of resource, and the instance in the text", message: findingWith({ resource: undefined }), tells: [instanceId] },
    {
        what: "a tool's list of two instances",
        message: findingWith({ "resource.instanceDetails.instanceId": [instanceId, second] }),
        follows: [instanceId, second],
    },
    {
        what: "a list of instance details",
        message: findingWith({ "resource.instanceDetails": [{ instanceId }, { instanceId: second }] }),
        follows: [instanceId, second],
    },
    // Other partitions, Regions, accounts.
    { what: "GovCloud", message: findingWith({ region: "us-gov-west-1", partition: "aws-us-gov", arn: null }), follows: [instanceId] },
    {
        what: "a sovereign Region",
        message: findingWith({ region: "eusc-de-east-1", partition: "aws-eusc", arn: null }),
        tells: [instanceId],
        says: /eusc-de-east-1/,
    },
    { what: "another Region than the event's", message: event(findingWith({ region: "ap-southeast-5" })), follows: [instanceId] },
    { what: "an account as a number", message: findingWith({ accountId: 222222222222 }), tells: [instanceId], says: /12 digits/ },
    { what: "an account that is none", message: findingWith({ accountId: "222", arn: null }), says: /12 digits/ },
    {
        what: "an ARN that names another account",
        message: findingWith({ "resource.instanceDetails.instanceId": ec2Arn(instanceId, `${region}:333333333333`) }),
        says: /places .* in account/,
    },
    // Deliveries.
    {
        what: "SNS in SNS in SQS in Lambda",
        message: { Records: [{ body: text(sns(text(sns(text(event(findingWith({}))))))) }] },
        follows: [instanceId],
    },
    { what: "an EventBridge event inside another's detail", message: event(event(findingWith({}))), follows: [instanceId] },
    { what: "SNS's message as an object", message: sns(event(findingWith({}))), follows: [instanceId] },
    {
        what: "Lambda's Records of SNS in SQS",
        message: { Records: [{ body: text({ Records: [{ Sns: { Message: text(findingWith({})) } }] }) }] },
        follows: [instanceId],
    },
    {
        what: "SQS's ReceiveMessage answer",
        message: { Messages: [{ MessageId: "m", Body: text(sns(text(event(findingWith({}))))) }] },
        follows: [instanceId],
    },
    {
        what: "Kinesis's base64 records",
        message: { Records: [{ kinesis: { data: base64(event(findingWith({}))) } }] },
        follows: [instanceId],
    },
    {
        what: "Firehose's base64 records",
        message: { records: [{ recordId: "1", data: base64(event(findingWith({}))) }] },
        follows: [instanceId],
    },
    { what: "base64 of an event", message: base64(event(findingWith({}))), follows: [instanceId] },
    { what: "a detail as text", message: event(text(findingWith({}))), follows: [instanceId] },
    {
        what: "a list of events",
        message: [event(findingWith({})), event(findingWith({ "resource.instanceDetails.instanceId": second, id: "b" }))],
        follows: [instanceId, second],
    },
    {
        what: "JSON Lines",
        message: [findingWith({}), findingWith({ "resource.instanceDetails.instanceId": second, id: "b" })].map(text).join("\n"),
        follows: [instanceId, second],
    },
    {
        what: "a transformer's template with the finding as text",
        message: { subject: "GuardDuty", body: { finding: text(findingWith({})) }, account: accountId },
        follows: [instanceId],
    },
    {
        what: "a transformer's fields with an instance's ARN",
        message: { instanceArn: ec2Arn(instanceId), type: "Recon:EC2/Portscan", severity: 5 },
        follows: [instanceId],
    },
    {
        what: "a transformer's sentence",
        message: text(`GuardDuty found Recon:EC2/Portscan on ${instanceId} in account ${accountId} in ${region}.`),
        tells: [instanceId],
    },
    { what: "plain text", message: `"Finding" Recon:EC2/Portscan on ${instanceId}`, tells: [instanceId] },
    { what: "a finding cut off in the middle", message: text(findingWith({})).slice(0, 900), tells: [instanceId] },
    { what: "keys in capitals", message: upper(event(findingWith({}))), follows: [instanceId] },
    { what: "duplicates in one message", message: [findingWith({}), findingWith({})], follows: [instanceId] },
    // Hostile.
    {
        what: "__proto__ as a key",
        message: text(findingWith({})).replace("{", `{"__proto__":{"resource":{"resourceType":"S3Bucket"}},`),
        follows: [instanceId],
    },
    { what: "a finding that lies under __proto__", message: `{"__proto__":${text(findingWith({}))}}`, follows: [instanceId] },
    {
        what: "constructor and toString as fields",
        message: findingWith({ constructor: { prototype: 1 }, toString: "x" }),
        follows: [instanceId],
    },
    {
        what: "a domain that spells an instance",
        message: findingWith({ "service.action.dnsRequestAction.domain": `${second}.example.net` }),
        follows: [instanceId],
    },
    { what: "a huge finding", message: event(findingWith({ padding: "x".repeat(250_000) })), follows: [instanceId] },
    {
        what: "a document nested deeper than the stack is",
        message: `{"resource":{"resourceType":"S3Bucket"},"type":"Policy:S3/X","x":${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}}`,
        says: /names no account/,
    },
    // GuardDuty: other kinds of resource.
    { what: "archived", message: findingWith({ "service.archived": true }), says: /archived/ },
    {
        what: "an access key with the instance's principal",
        message: accessKey({ principalId: `AROAEXAMPLE:${instanceId}` }),
        tells: [instanceId],
    },
    {
        what: "an access key with the session as user name",
        message: accessKey({ principalId: "x", userName: `web/${instanceId}` }),
        tells: [instanceId],
    },
    {
        what: "an access key whose instance is only in the text",
        message: findingWith({
            type: "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
            resource: { resourceType: "AccessKey", accessKeyDetails: {} },
        }),
        tells: [instanceId],
    },
    {
        what: "a session in a bucket's finding",
        message: findingWith({
            type: "Exfiltration:S3/AnomalousBehavior",
            resource: {
                resourceType: "S3Bucket",
                s3BucketDetails: [{ name: "b" }],
                accessKeyDetails: { principalId: `AROAEXAMPLE:${instanceId}` },
            },
        }),
        tells: [instanceId],
    },
    {
        what: "a bucket without an instance",
        message: findingWith({
            type: "Policy:S3/BucketAnonymousAccessGranted",
            description: "",
            resource: { resourceType: "S3Bucket", s3BucketDetails: [{ name: "b" }] },
        }),
        says: /bucket b/,
    },
    {
        what: "EKS runtime on a host",
        message: findingWith({
            type: "Execution:Runtime/NewBinaryExecuted",
            resource: { resourceType: "EKSCluster", eksClusterDetails: { name: "c" }, instanceDetails: { instanceId } },
        }),
        tells: [instanceId],
    },
    {
        what: "ECS runtime with the container instance's ARN of EC2",
        message: findingWith({
            type: "Execution:Runtime/NewBinaryExecuted",
            resource: {
                resourceType: "ECSCluster",
                ecsClusterDetails: { name: "c", taskDetails: { arn: "arn:aws:ecs:eu-west-1:222222222222:task/x" } },
                instanceDetails: { instanceId },
            },
        }),
        tells: [instanceId],
    },
    { what: "runtime on an instance", message: findingWith({ type: "Execution:Runtime/NewBinaryExecuted" }), follows: [instanceId] },
    {
        what: "malware on an instance's disks",
        message: findingWith({ type: "Execution:EC2/MaliciousFile", "resource.ebsVolumeDetails": { scannedVolumeDetails: [] } }),
        follows: [instanceId],
    },
    {
        what: "a kind of resource that does not exist yet",
        message: findingWith({ "resource.resourceType": "QuantumHost" }),
        tells: [instanceId],
    },
    {
        what: "a new kind with the instance in a field of its own",
        message: findingWith({ description: "", resource: { resourceType: "Workload", workloadDetails: { hostArn: ec2Arn(instanceId) } } }),
        tells: [instanceId],
    },
    // Attack sequences.
    {
        what: "a sequence with the instance's ARN",
        message: sequence("AttackSequence:EC2/CompromisedInstanceGroup", {
            resources: [{ uid: ec2Arn(instanceId), resourceType: "EC2_INSTANCE", data: {} }],
        }),
        follows: [instanceId],
    },
    {
        what: "a sequence of credentials with the session in its actors",
        message: sequence("AttackSequence:IAM/CompromisedCredentials", {
            actors: [{ id: "a", user: { name: "web", uid: `AROAEXAMPLE:${instanceId}`, type: "AssumedRole" } }],
        }),
        tells: [instanceId],
    },
    {
        what: "a sequence with the instance in a signal's resources only",
        message: sequence("AttackSequence:EC2/CompromisedInstanceGroup", {
            signals: [{ uid: "s", type: "FINDING", resourceUids: [ec2Arn(instanceId)] }],
        }),
        tells: [instanceId],
    },
    {
        what: "a sequence with the instance in an endpoint",
        message: sequence("AttackSequence:IAM/CompromisedCredentials", {
            endpoints: [{ id: "e", instanceUid: ec2Arn(instanceId), ip: "10.0.0.1" }],
        }),
        tells: [instanceId],
    },
    {
        what: "a sequence of EKS with its nodes",
        message: sequence("AttackSequence:EKS/CompromisedCluster", {
            resources: [
                {
                    uid: "arn:aws:eks:eu-west-1:222222222222:cluster/c",
                    resourceType: "EKS_CLUSTER",
                    data: { eksCluster: { ec2InstanceUids: [ec2Arn(instanceId)] } },
                },
            ],
        }),
        tells: [instanceId],
    },
    {
        what: "an ECS sequence of container instances",
        message: sequence("AttackSequence:ECS/CompromisedCluster", {
            resources: [{ uid: "x", resourceType: "ECS_CLUSTER", data: { ecsCluster: { ec2InstanceUids: [instanceId] } } }],
        }),
        tells: [instanceId],
    },
    // Security Hub, ASFF.
    {
        what: "ASFF of two instances",
        message: asff({ Resources: [instanceId, second].map((id) => ({ Type: "AwsEc2Instance", Id: ec2Arn(id), Region: region })) }),
        follows: [instanceId, second],
    },
    {
        what: "ASFF with the instance after a bucket",
        message: asff({
            Resources: [
                { Type: "AwsS3Bucket", Id: "arn:aws:s3:::b" },
                { Type: "AwsEc2Instance", Id: ec2Arn(instanceId) },
            ],
        }),
        tells: [instanceId],
    },
    {
        what: "ASFF with the instance's own interface and group",
        message: asff({
            Resources: [
                { Type: "AwsEc2NetworkInterface", Id: "eni-1" },
                { Type: "AwsEc2SecurityGroup", Id: "sg-1" },
                { Type: "AwsEc2Instance", Id: ec2Arn(instanceId) },
            ],
        }),
        follows: [instanceId],
    },
    {
        what: "ASFF with the instance's profile and role",
        message: asff({
            Resources: [
                { Type: "AwsEc2Instance", Id: ec2Arn(instanceId) },
                { Type: "AwsIamInstanceProfile", Id: "arn:aws:iam::222222222222:instance-profile/web" },
            ],
        }),
        tells: [instanceId],
    },
    {
        what: "ASFF of GovCloud",
        message: asff({
            Resources: [{ Type: "AwsEc2Instance", Id: ec2Arn(instanceId, `us-gov-west-1:${accountId}`, "aws-us-gov") }],
            Region: "us-gov-west-1",
            ProductArn: "arn:aws-us-gov:securityhub:us-gov-west-1::product/aws/guardduty",
        }),
        follows: [instanceId],
    },
    {
        what: "ASFF with an instance in its text only",
        message: asff({ Resources: [{ Type: "Other", Id: "x" }], Description: `The instance ${instanceId} scans.` }),
        tells: [instanceId],
    },
    {
        what: "ASFF with the instance in a resource's details",
        message: asff({ Resources: [{ Type: "Other", Id: "x", Details: { Other: { InstanceId: instanceId } } }] }),
        tells: [instanceId],
    },
    {
        what: "ASFF of a bare list in an event",
        message: event([asff()], "Security Hub Findings - Imported", "aws.securityhub"),
        follows: [instanceId],
    },
    { what: "ASFF, suppressed", message: asff({ "Workflow.Status": "SUPPRESSED" }), says: /closed/ },
    {
        what: "ASFF of an instance's credentials used elsewhere",
        message: asff({
            Types: ["Effects/Data Exfiltration/UnauthorizedAccess:IAMUser-InstanceCredentialExfiltration.OutsideAWS"],
            Resources: [
                {
                    Type: "AwsIamAccessKey",
                    Id: "AWS::IAM::AccessKey:ASIAEXAMPLE",
                    Details: { AwsIamAccessKey: { PrincipalId: `AROAEXAMPLE:${instanceId}`, PrincipalName: "web" } },
                },
            ],
        }),
        tells: [instanceId],
    },
    // Security Hub, OCSF.
    {
        what: "OCSF with data.instance_id",
        message: ocsf({ resources: [{ type: "AwsEc2Instance", uid: "web-7", data: { instance_id: instanceId } }] }),
        follows: [instanceId],
    },
    {
        what: "OCSF with the instance as device",
        message: ocsf({ resources: [], device: { uid: instanceId, type: "Server", instance_uid: instanceId } }),
        tells: [instanceId],
    },
    {
        what: "OCSF with the device's instance_uid as ARN",
        message: ocsf({ resources: undefined, device: { instance_uid: ec2Arn(instanceId) } }),
        tells: [instanceId],
    },
    {
        what: "OCSF with the instance in the evidences",
        message: ocsf({
            resources: [{ type: "AWS::IAM::AccessKey", uid: "AKIA" }],
            evidences: [{ src_endpoint: { instance_uid: instanceId } }],
        }),
        tells: [instanceId],
    },
    {
        what: "OCSF of two Regions",
        message: ocsf({ resources: [{ type: "AWS::EC2::Instance", uid: ec2Arn(instanceId), region: "eu-central-1" }] }),
        follows: [instanceId],
    },
    { what: "OCSF, archived", message: ocsf({ status: "Archived", status_id: 5 }), says: /closed/ },
    { what: "OCSF in capitals", message: upper(ocsf()), follows: [instanceId] },
    // By hand.
    {
        what: "by hand, with an ARN",
        message: { instanceId: ec2Arn(instanceId), accountId, region },
        tells: [instanceId],
        says: /manual message cannot be used/,
    },
];

describe("findings that name an instance in other ways", () => {
    it(`are many kinds: ${rows.length}`, () => expect(rows.length).to.be.at.least(60));

    for (const { what, message, follows, tells, says } of rows)
        it(`${follows ? "follows" : "tells"}: ${what}`, () => {
            const result = parseMessage(typeof message === "string" ? message : text(message));
            const ids = (list: { instanceId: string }[]) => [...new Set(list.map((each) => each.instanceId))].sort();
            const followed = ids(result.findings.flatMap(({ instances }) => instances));
            expect(followed, result.refusals.join(" ")).to.deep.equal([...(follows ?? [])].sort());
            if (follows) return;
            const told = [...result.refusals, ...result.leftAside].join(" ");
            expect(told).to.match(/\S/);
            for (const id of tells ?? []) expect(told, "the reason names the instance").to.contain(id);
            if (says) expect(told).to.match(says);
        });

    it("has GuardDuty's own id whichever way the finding came", () => {
        const ways = [findingWith({}), event(event(findingWith({}))), base64(event(findingWith({}))), asff()];
        for (const way of ways) expect(parseMessage(way).findings.map(({ id }) => id)).to.deep.equal([victimFindingId]);
    });
});

describe("a group finding that the rules follow", () => {
    const members = Array.from({ length: 103 }, (_, index) => `i-0b${index.toString(16).padStart(15, "0")}`);
    const ofGroup = sequence("AttackSequence:EC2/CompromisedInstanceGroup", {
        resources: [
            {
                uid: `arn:aws:autoscaling:${region}:${accountId}:autoScalingGroup:1:autoScalingGroupName/web`,
                name: "web",
                accountId,
                region,
                resourceType: "AUTOSCALING_AUTO_SCALING_GROUP",
                data: { autoscalingAutoScalingGroup: { ec2InstanceUids: members } },
            },
        ],
    });

    it("tells of the instances that there is no room for, and drops none without a word", () => {
        const { findings, refusals } = parseMessage(ofGroup, { follows: () => true });
        expect(findings[0]!.instances).to.have.length(100);
        expect(refusals.join()).to.contain("3 instances beyond the 100");
    });

    it("says nothing of the kind where there is room for all", () => {
        put(ofGroup, "service.detection.sequence.resources", [
            ...(
                (ofGroup.service as { detection: { sequence: { resources: object[] } } }).detection.sequence.resources as Record<
                    string,
                    unknown
                >[]
            ).map((each) => ({ ...each, data: { autoscalingAutoScalingGroup: { ec2InstanceUids: members.slice(0, 3) } } })),
        ]);
        const { findings, refusals } = parseMessage(ofGroup, { follows: () => true });
        expect(findings[0]!.instances).to.have.length(3);
        expect(refusals).to.deep.equal([]);
    });
});
