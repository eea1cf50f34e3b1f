/** Findings told apart by what they name, whatever their sender calls it. Each case stands for a kind of message. */
import { expect } from "chai";
import { findingSchema, type Finding } from "../../../../functions/domain/containers";
import { parseMessage } from "../../../../functions/domain/parseMessage";
import { sessionInstances } from "../../../../functions/domain/parse/instanceNames";
import { readFindingId } from "../../../../functions/domain/parse/concludeFinding";
import { findingWith, fixture, put, victim, victimFindingId } from "../messageFixtures";

const arn = `arn:aws:ec2:eu-west-1:222222222222:instance/${victim.instanceId}`;
const other = { ...victim, instanceId: "i-0b2c3d4e5f6071829" };
const always = { follows: () => true };

function opened(message: unknown): Finding {
    const result = parseMessage(message);
    if (result.outcome !== "incident") throw new Error(`refused: ${result.reason}`);
    expect(findingSchema.parse(result.findings[0])).to.deep.equal(result.findings[0]);
    return result.findings[0]!;
}

/** A finding that is only told to people: what it has to do with, and why. It makes an incident where the caller follows it. */
function told(message: unknown): { as: string; ids: unknown[]; reason: string } {
    const result = parseMessage(message);
    if (result.outcome !== "refused") throw new Error("opened");
    const { related } = result.findings[0]!;
    const followed = parseMessage(message, always);
    expect(followed.findings[0]!.instances).to.deep.equal(related?.instances ?? []);
    expect(followed.outcome).to.equal(related === null ? "refused" : "incident");
    expect(result.reason).to.match(/To contain an instance all the same/);
    return { as: related?.as ?? "nothing", ids: (related?.instances ?? []).map(({ instanceId }) => instanceId), reason: result.reason };
}

const asff = (resources: unknown[], changes: object = {}) => ({ ...fixture("asff"), Resources: resources, ...changes });
function ocsf(resource: unknown, changes: (finding: Record<string, unknown>) => void = () => undefined): unknown {
    const event = fixture("securityhub-v2");
    const finding = ((event.detail as { findings: unknown[] }).findings as Record<string, unknown>[])[0]!;
    finding.resources = [resource];
    changes(finding);
    return event;
}

describe("the instance a finding is about", () => {
    for (const [what, resource] of Object.entries({
        "an ARN under the type Other": { Type: "Other", Id: arn },
        "an ARN under no type": { Id: arn },
        "an ARN under CloudFormation's type": { Type: "AWS::EC2::Instance", Id: arn },
        "a bare id under ASFF's type": { Type: "AwsEc2Instance", Id: victim.instanceId, Region: "eu-west-1" },
        "a bare id under the type Other": { Type: "Other", Id: victim.instanceId },
    }))
        it(`is named in ASFF by ${what}`, () => expect(opened(asff([resource])).instances).to.deep.equal([victim]));

    for (const [what, resource] of Object.entries({
        "CloudFormation's type": { type: "AWS::EC2::Instance", uid: arn, region: "eu-west-1", data: {} },
        "ASFF's type": { type: "AwsEc2Instance", uid: arn },
        "no type": { uid: arn },
        "a bare id, with the account as its owner": {
            type: "AWS::EC2::Instance",
            uid: victim.instanceId,
            region: "eu-west-1",
            owner: { account: { uid: "222222222222" } },
        },
    }))
        it(`is named in OCSF by ${what}`, () => expect(opened(ocsf(resource)).instances).to.deep.equal([victim]));

    it("is placed by its resource where ASFF or OCSF say no Region at the top", () => {
        const { Region: _, ...bare } = asff([{ Type: "AwsEc2Instance", Id: victim.instanceId, Region: "us-east-1" }]) as Record<
            string,
            unknown
        >;
        expect(opened(bare)).to.deep.include({ region: "us-east-1", instances: [{ ...victim, region: "us-east-1" }] });
        const hub = ocsf({ type: "AWS::EC2::Instance", uid: arn.replace("eu-west-1", "us-east-1") }, (finding) =>
            put(finding, "cloud.region", undefined),
        );
        expect(opened(hub).instances).to.deep.equal([{ ...victim, region: "us-east-1" }]);
    });

    it("is not another resource whose ARN only looks alike", () => {
        for (const Id of [
            "arn:aws:ec2:eu-west-1:222222222222:volume/vol-1",
            "arn:aws:ssm:eu-west-1:222222222222:instance/i-0a1b2c3d4e5f60718",
            "x",
        ])
            expect(told(asff([{ Type: "Other", Id }])).ids, Id).to.deep.equal([]);
    });

    for (const type of ["Instance", "instance", "EC2Instance", "EC2_INSTANCE", "AwsEc2Instance", "AWS::EC2::Instance"])
        it(`is GuardDuty's resource of the type ${type}`, () =>
            expect(opened(findingWith({ "resource.resourceType": type })).instances).to.deep.equal([victim]));

    it("is named by a type of EC2 where a rule left the resource's type out", () =>
        expect(opened(findingWith({ "resource.resourceType": undefined })).instances).to.deep.equal([victim]));

    it("has one finding id whichever service delivers it", () => {
        const own = "arn:aws:guardduty:eu-west-1:222222222222:detector/d1f0/finding/9ec6";
        for (const id of [own, `arn:aws:securityhub:eu-west-1::product/aws/guardduty/${own}`, own.replaceAll("aws:", "aws-us-gov:")])
            expect(readFindingId(id), id).to.equal("9ec6");
        expect(readFindingId("arn:aws:guardduty:eu-west-1:222222222222:detector/d1f0")).to.match(/^arn:/);
    });
});

describe("what a rule or a tool made of a finding", () => {
    const finding = findingWith({});
    const bare = findingWith({ accountId: undefined, region: undefined, arn: undefined });
    const text = JSON.stringify(finding);
    for (const [what, message] of Object.entries({
        "one field of its own": { finding, account: "222222222222", region: "eu-west-1" },
        "a field deeper": { body: { payload: { finding } }, source: "tool" },
        "JSON text in a field": { message: text, subject: "GuardDuty" },
        "a list in a field": { items: [finding], count: 1 },
        "the whole event in a field": { event: fixture("eventbridge"), environment: "prod" },
        "SNS in a field": { delivery: { Type: "Notification", MessageId: "m", Message: text } },
        "account and Region beside a finding without them": { finding: bare, account: "222222222222", region: "eu-west-1" },
        "account and Region beside its text": { Finding: JSON.stringify(bare), AwsAccountId: "222222222222", Region: "eu-west-1" },
        "raw delivery of a detail with its type": { "detail-type": "GuardDuty Finding", detail: text },
        "JSON Lines": `${text}\n${text}\n`,
        "JSON Lines in a queue": { Records: [{ body: `${text}\r\n${text}` }] },
    }))
        it(`is read out of ${what}`, () => {
            expect(opened(message)).to.deep.include({ id: victimFindingId, instances: [victim], origin: "guardduty" });
            expect(parseMessage(message).refusals).to.deep.equal([]);
        });

    for (const [what, message] of Object.entries({
        "names like GuardDuty's": {
            instanceId: victim.instanceId,
            accountId: "222222222222",
            region: "eu-west-1",
            type: "Backdoor:EC2/C&CActivity.B!DNS",
            id: victimFindingId,
            severity: 8,
        },
        "names of its own": {
            Instance_ID: victim.instanceId,
            Account: "222222222222",
            "aws-region": "eu-west-1",
            Finding_Type: "Backdoor:EC2/C&CActivity.B!DNS",
            Finding_ID: victimFindingId,
            Severity: "8",
            Finding_description: "text",
        },
        "an ARN for everything": {
            instance: arn,
            findingType: "Backdoor:EC2/C&CActivity.B!DNS",
            findingId: `arn:aws:guardduty:eu-west-1:222222222222:detector/d1f0/finding/${victimFindingId}`,
            severity: "HIGH",
        },
    }))
        it(`is read out of its fields under ${what}`, () =>
            expect(opened(message)).to.deep.include({
                id: victimFindingId,
                instances: [victim],
                severity: 8,
                type: "Backdoor:EC2/C&CActivity.B!DNS",
            }));

    it("is told where the fields are those of a finding about something else", () => {
        const message = {
            instance: victim.instanceId,
            account: "222222222222",
            region: "eu-west-1",
            findingType: "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        };
        expect(told(message)).to.deep.include({ as: "credentials", ids: [victim.instanceId] });
    });

    it("is refused where an event inside claims to come from elsewhere", () => {
        const result = parseMessage({ event: { ...fixture("eventbridge"), source: "not.guardduty" } });
        expect(result.outcome).to.equal("refused");
        expect(result.refusals.join()).to.match(/comes from "not.guardduty"/);
    });
});

describe("a finding about an instance that is filed under another resource", () => {
    const principalId = `AROAEXAMPLE:${victim.instanceId}`;
    const key = (extra: object = {}) =>
        findingWith({
            type: "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS",
            resource: {
                resourceType: "AccessKey",
                accessKeyDetails: { accessKeyId: "ASIAEXAMPLE", principalId, userName: "web" },
                ...extra,
            },
        });

    it("names its role's credentials, with or without the instance beside them", () => {
        for (const message of [key(), key({ instanceDetails: { instanceId: victim.instanceId } })]) {
            const { as, ids, reason } = told(message);
            expect([as, ids]).to.deep.equal(["credentials", [victim.instanceId]]);
            expect(reason)
                .to.contain(victim.instanceId)
                .and.contain("ASIAEXAMPLE")
                .and.contain("account 222222222222, eu-west-1")
                .and.match(/containment\.rules/);
        }
    });

    it("names them by a principal or a session anywhere among who acted, and by nothing that is none", () => {
        const session = `arn:aws:sts::222222222222:assumed-role/web/${victim.instanceId}`;
        expect(sessionInstances({ userIdentity: { principalId, arn: session } }).map(({ instanceId }) => instanceId)).to.deep.equal([
            victim.instanceId,
            victim.instanceId,
        ]);
        for (const text of [`AIDAEXAMPLE:${victim.instanceId}`, `x ${principalId}`, "AROAEXAMPLE:alice", `${principalId}/x`])
            expect(sessionInstances({ text }), text).to.deep.equal([]);
    });

    it("names the bucket that the credentials of an instance read", () => {
        const finding = findingWith({
            type: "Discovery:S3/MaliciousIPCaller",
            resource: { resourceType: "S3Bucket", s3BucketDetails: [{ name: "payroll" }], accessKeyDetails: { principalId } },
        });
        expect(told(finding)).to.deep.include({ as: "credentials", ids: [victim.instanceId] });
        expect(told(finding).reason).to.contain("bucket payroll");
    });

    for (const [what, resource] of Object.entries({
        "a container": { resourceType: "Container", containerDetails: { name: "shop", image: "shop:1" } },
        "an ECS task": {
            resourceType: "ECSCluster",
            ecsClusterDetails: { name: "shop", taskDetails: { arn: "arn:aws:ecs:…:task/shop/1" } },
        },
        "a pod": { resourceType: "EKSCluster", eksClusterDetails: { name: "shop" } },
    }))
        it(`names ${what} on it`, () => {
            const { as, ids, reason } = told(
                findingWith({
                    type: "Execution:Runtime/NewBinaryExecuted",
                    resource: { ...resource, instanceDetails: { instanceId: victim.instanceId } },
                }),
            );
            expect([as, ids]).to.deep.equal(["host", [victim.instanceId]]);
            expect(reason).to.contain("shop");
        });

    it("names a snapshot or an image, and no instance at all", () => {
        const arnOf = { snapshot: "arn:aws:ec2:eu-west-1:222222222222:snapshot/snap-1", image: "arn:aws:ec2:eu-west-1::image/ami-1" };
        const snapshot = { resourceType: "EBSSnapshot", ebsSnapshotDetails: { snapshotArn: arnOf.snapshot } };
        const image = { resourceType: "EC2Image", ec2ImageDetails: { imageArn: arnOf.image } };
        for (const [resource, name] of [
            [snapshot, arnOf.snapshot],
            [image, arnOf.image],
        ] as const)
            expect(told(findingWith({ type: "Execution:EC2/MaliciousFile!Snapshot", resource })).reason).to.contain(name);
    });

    const sequence = (type: string, resources: unknown[]) => {
        const event = fixture("attack-sequence-ec2");
        put(event, "detail.type", type);
        put(event, "detail.service.detection.sequence.resources", resources);
        return event;
    };
    const group = (kind: string, uids: unknown[]) => ({
        uid: `arn:aws:${kind}:eu-west-1:222222222222:group/web`,
        name: "web",
        resourceType: kind,
        data: { [kind]: { ec2InstanceUids: uids } },
    });

    for (const kind of [
        "autoscalingAutoScalingGroup",
        "ec2LaunchTemplate",
        "ec2Image",
        "ec2Vpc",
        "iamInstanceProfile",
        "eksCluster",
        "ecsCluster",
    ])
        it(`names only a group, ${kind}: its members are told, and followed`, () => {
            const { as, ids, reason } = told(
                sequence("AttackSequence:EC2/CompromisedInstanceGroup", [group(kind, [arn, other.instanceId])]),
            );
            expect([as, ids]).to.deep.equal(["member", [victim.instanceId, other.instanceId]]);
            expect(reason).to.contain("web");
        });

    it("names a group without members: told by the group's name", () => {
        const { ids, reason } = told(sequence("AttackSequence:EC2/CompromisedInstanceGroup", [group("autoscalingAutoScalingGroup", [])]));
        expect(ids).to.deep.equal([]);
        expect(reason).to.contain("autoscalingAutoScalingGroup web");
    });

    it("names instances and a group: the others of the group are told, and followed", () => {
        const instance = { uid: arn, name: victim.instanceId, resourceType: "EC2_INSTANCE", data: { ec2Instance: {} } };
        const message = sequence("AttackSequence:EC2/CompromisedInstanceGroup", [instance, group("x", [arn, other.instanceId])]);
        const result = parseMessage(message);
        expect(result.findings[0]!.instances).to.deep.equal([victim]);
        expect(result.refusals.join()).to.contain(other.instanceId).and.not.contain(victim.instanceId);
        expect(parseMessage(message, always).findings[0]!.instances).to.deep.equal([victim, other]);
        expect(parseMessage(message, always).refusals).to.deep.equal([]);
    });

    for (const [type, kind] of [
        ["AttackSequence:EKS/CompromisedCluster", "eksCluster"],
        ["AttackSequence:ECS/CompromisedCluster", "ecsCluster"],
    ] as const)
        it(`names the nodes of a cluster: ${type}`, () =>
            expect(told(sequence(type, [group(kind, [arn])]))).to.deep.include({ as: "member", ids: [victim.instanceId] }));

    it("names an instance's session in a sequence about credentials", () => {
        const accessKey = { uid: "ASIA", name: "ASIA", resourceType: "ACCESS_KEY", data: { accessKey: { principalId } } };
        expect(told(sequence("AttackSequence:IAM/CompromisedCredentials", [accessKey]))).to.deep.include({
            as: "credentials",
            ids: [victim.instanceId],
        });
    });

    it("names them in ASFF and OCSF as well", () => {
        const types = ["TTPs/Credential Access/UnauthorizedAccess:IAMUser-InstanceCredentialExfiltration.InsideAWS"];
        const accessKey = {
            Type: "AwsIamAccessKey",
            Id: "AWS::IAM::AccessKey:ASIA",
            Details: { AwsIamAccessKey: { PrincipalId: principalId } },
        };
        expect(told(asff([accessKey], { Types: types }))).to.deep.include({ as: "credentials", ids: [victim.instanceId] });
        const hub = ocsf({ type: "AWS::IAM::AccessKey", uid: "ASIA", data: { AwsIamAccessKey: { PrincipalId: principalId } } }, (finding) =>
            put(finding, "finding_info.types", ["Threats", "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS"]),
        );
        expect(told(hub)).to.deep.include({ as: "credentials", ids: [victim.instanceId] });
        const container = asff(
            [
                { Type: "Container", Id: "shop" },
                { Type: "AwsEc2Instance", Id: arn },
            ],
            {
                Types: ["TTPs/Execution/Execution:Runtime-NewBinaryExecuted"],
            },
        );
        expect(told(container)).to.deep.include({ as: "host", ids: [victim.instanceId] });
    });

    it("comes from another detector than GuardDuty, which is not believed by itself", () => {
        const other = { ProductArn: "arn:aws:securityhub:eu-west-1::product/crowdstrike/crowdstrike-falcon", ProductName: "Falcon" };
        const message = asff([{ Type: "AwsEc2Instance", Id: arn }], { ...other, Types: ["TTPs/Execution/Malware"] });
        const result = parseMessage(message);
        expect(result.outcome).to.equal("refused");
        expect(result.refusals.join()).to.match(/"Falcon", not from GuardDuty.*i-0a1b2c3d4e5f60718.*custom action/);
        expect(parseMessage(message, always).findings[0]).to.deep.include({ type: "TTPs/Execution/Malware", instances: [victim] });
    });

    it("is never followed into another account than the finding's", () => {
        const foreign = arn.replace("222222222222", "333333333333");
        const { ids, reason } = told(sequence("AttackSequence:EC2/CompromisedInstanceGroup", [group("ec2Vpc", [foreign])]));
        expect(ids).to.deep.equal([]);
        expect(reason).to.match(/places i-0a1b2c3d4e5f60718 in account "333333333333"/);
    });
});
