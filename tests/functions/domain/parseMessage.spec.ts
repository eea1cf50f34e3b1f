import { expect } from "chai";
import { findingSchema } from "../../../functions/domain/containers";
import { parseMessage } from "../../../functions/domain/parseMessage";
import { findingWith, fixture, fixtureNames, fixtureText, put, victim, victimFindingId } from "./messageFixtures";

/** Fixtures that make an incident, with the instances they name. The others are in `refusals`. */
const incidents: Record<string, { instances: string[]; origin: string; severity: number; sample?: boolean }> = {
    eventbridge: { instances: [victim.instanceId], origin: "guardduty", severity: 8 },
    "finding-camel": { instances: [victim.instanceId], origin: "guardduty", severity: 8 },
    "finding-pascal": { instances: [victim.instanceId], origin: "guardduty", severity: 8 },
    "getfindings-response": { instances: [victim.instanceId], origin: "guardduty", severity: 8 },
    "sns-lambda": { instances: [victim.instanceId], origin: "guardduty", severity: 8 },
    "sns-notification": { instances: [victim.instanceId], origin: "guardduty", severity: 8 },
    "sqs-lambda": { instances: [victim.instanceId], origin: "guardduty", severity: 8 },
    sample: { instances: ["i-99999999"], origin: "guardduty", severity: 8, sample: true },
    "attack-sequence-ec2": { instances: [victim.instanceId, "i-0b2c3d4e5f6071829"], origin: "guardduty", severity: 9 },
    asff: { instances: [victim.instanceId], origin: "securityhub", severity: 8 },
    "securityhub-imported": { instances: [victim.instanceId], origin: "securityhub", severity: 8 },
    "securityhub-custom-action": { instances: [victim.instanceId], origin: "securityhub", severity: 7 },
    "securityhub-v2": { instances: [victim.instanceId], origin: "securityhub", severity: 8 },
    manual: { instances: [victim.instanceId], origin: "manual", severity: 8 },
};

/** Fixtures that are refused, with what their reason must say. */
const refusals: Record<string, RegExp> = {
    "access-key-beside-instance":
        /"AccessKey".*role session of the instance "i-0a1b2c3d4e5f60718" .*Revoke the credentials.*name the type .* in containment.rules/,
    "s3-bucket": /"S3Bucket", not an EC2 instance.*Review the bucket/,
    "eks-node": /"EKSCluster".*Route it to the owners of the cluster/,
    archived: /archived.*Unarchive/,
    "attack-sequence-eks": /EKS attack sequence.*Route it/,
    "asff-bucket-and-instance": /"S3", not an EC2 instance.*"i-0a1b2c3d4e5f60718".*only named beside it/,
    "securityhub-control": /"Security Hub", not from GuardDuty.*custom action/,
    "event-pattern": /event pattern/,
    "object-scan-result": /malware scan of an S3 object/,
    malformed: /not valid JSON/,
};

/** The reason of a message that must be refused. */
function reasonOf(message: unknown): string {
    const result = parseMessage(message);
    if (result.outcome !== "refused") throw new Error(`made an incident of ${JSON.stringify(result.findings)}`);
    expect(result.findings.flatMap((finding) => finding.instances)).to.deep.equal([]);
    return result.reason;
}

/** The first finding of a message that must make an incident. */
function findingOf(message: unknown) {
    const result = parseMessage(message);
    if (result.outcome !== "incident") throw new Error(`refused: ${result.reason}`);
    return result.findings[0];
}

describe("parseMessage", () => {
    it("has a verdict written down for every fixture", () => {
        expect([...Object.keys(incidents), ...Object.keys(refusals)].sort()).to.deep.equal(fixtureNames());
    });

    for (const [name, expected] of Object.entries(incidents)) {
        it(`opens ${name}`, () => {
            const finding = findingOf(fixtureText(name));
            expect(findingSchema.parse(finding)).to.deep.equal(finding);
            expect(finding.instances).to.deep.equal(expected.instances.map((instanceId) => ({ ...victim, instanceId })));
            expect(finding).to.include({
                origin: expected.origin,
                severity: expected.severity,
                sample: expected.sample ?? false,
                accountId: victim.accountId,
                region: victim.region,
                partition: "aws",
            });
        });
    }

    for (const [name, reason] of Object.entries(refusals)) {
        it(`refuses ${name} and says what to do`, () => {
            expect(reasonOf(fixtureText(name)))
                .to.match(reason)
                .and.match(/\.$/);
        });
    }

    it("gives one finding the same id and type by whichever service it comes", () => {
        for (const name of ["eventbridge", "finding-pascal", "asff", "securityhub-v2"]) {
            expect(findingOf(fixtureText(name)), name).to.include({ id: victimFindingId, type: "Backdoor:EC2/C&CActivity.B!DNS" });
        }
    });

    it("says what else was in the message and was not followed", () => {
        const result = parseMessage(fixtureText("getfindings-response"));
        expect(result.outcome).to.equal("incident");
        expect(result.findings).to.have.length(2);
        expect(result.refusals).to.have.length(1);
        expect(result.refusals[0]).to.match(/"S3Bucket"/);
    });

    it("takes text, values and text inside text alike", () => {
        const text = fixtureText("eventbridge");
        expect(parseMessage(JSON.parse(text))).to.deep.equal(parseMessage(text));
        expect(parseMessage(JSON.stringify(text))).to.deep.equal(parseMessage(text));
        expect(parseMessage(`\uFEFF${text}`)).to.deep.equal(parseMessage(text));
    });

    describe("places a finding", () => {
        it("by its own account and Region when the envelope differs, as for a delegated administrator", () => {
            const event = fixture("eventbridge");
            put(event, "account", "333333333333");
            put(event, "region", "us-east-1");
            expect(findingOf(event).instances).to.deep.equal([victim]);
        });

        it("by its ARN, then by the envelope's Region, where it leaves them out", () => {
            const bare = findingWith({ region: undefined, accountId: undefined });
            expect(findingOf(bare).instances).to.deep.equal([victim]);
            const event = { ...fixture("eventbridge"), region: "us-east-1", detail: findingWith({ region: undefined, arn: undefined }) };
            expect(findingOf(event).instances[0].region).to.equal("us-east-1");
        });

        it("never by the envelope's account, which may be the administrator's", () => {
            const event = { ...fixture("eventbridge"), detail: findingWith({ accountId: undefined, arn: undefined }) };
            expect(reasonOf(event)).to.match(/names no account/);
        });

        for (const accountId of ["1234567891234", "123456789", "********8494", 222222222222, {}, []]) {
            it(`not by the account ${JSON.stringify(accountId)}`, () => {
                expect(reasonOf(findingWith({ accountId }))).to.match(/names the account .*does not have 12 digits/);
            });
        }

        it("not by a Region that is none", () => {
            expect(reasonOf(findingWith({ region: "region" }))).to.match(/names the Region "region"/);
        });

        it("in the partition of its Region when it names none", () => {
            const china = findingOf(findingWith({ partition: undefined, arn: undefined, region: "cn-north-1" }));
            const government = findingOf(findingWith({ partition: undefined, arn: undefined, region: "us-gov-west-1" }));
            expect([china.partition, government.partition]).to.deep.equal(["aws-cn", "aws-us-gov"]);
        });
    });

    describe("finds the instance", () => {
        const id = "resource.instanceDetails.instanceId";
        for (const bad of ["i-0123456789abcdef", "i-0abcd1234efgh5678", "${instance_id}", "i-REPLACE_ME", "I-0A1B2C3D4E5F60718", 12, {}]) {
            it(`but not under the id ${JSON.stringify(bad)}`, () => {
                expect(reasonOf(findingWith({ [id]: bad }))).to.match(/The instance id .* is not one/);
            });
        }

        it("in a list of ids, each judged by itself", () => {
            const result = parseMessage(findingWith({ [id]: [victim.instanceId, "i-blart", "i-0b2c3d4e5f6071829"] }));
            expect(result.findings[0].instances.map((instance) => instance.instanceId)).to.deep.equal([
                victim.instanceId,
                "i-0b2c3d4e5f6071829",
            ]);
            expect(result.refusals.join()).to.match(/"i-blart" is not one/);
        });

        it("only where the finding names it", () => {
            expect(reasonOf(findingWith({ "resource.instanceDetails": undefined }))).to.match(/does not name it/);
            const type = "Execution:Runtime/NewBinaryExecuted";
            expect(reasonOf(findingWith({ "resource.resourceType": undefined, type }))).to.match(/"Runtime".*"i-0a1b2c3d4e5f60718"/);
            expect(reasonOf(findingWith({ resource: undefined }))).to.match(/does not say what kind of resource/);
        });

        it("in no other account than the finding's own", () => {
            const finding = fixture("asff");
            put((finding.Resources as unknown[])[0], "Id", "arn:aws:ec2:eu-west-1:333333333333:instance/i-0a1b2c3d4e5f60718");
            expect(reasonOf(finding)).to.match(/of account 222222222222, but it places .* in account "333333333333"/);
        });

        it("up to 100 of them, and says how many are left", () => {
            const sequence = fixture("attack-sequence-ec2");
            const resources = Array.from({ length: 130 }, (_, index) => ({
                uid: `i-${index.toString(16).padStart(17, "0")}`,
                data: { ec2Instance: {} },
            }));
            put(sequence, "detail.service.detection.sequence.resources", resources);
            const result = parseMessage(sequence);
            expect(result.findings[0].instances).to.have.length(100);
            expect(result.refusals.join()).to.match(/30 instances beyond the 100/);
        });
    });

    describe("knows a sample", () => {
        const info = "service.additionalInfo";
        for (const [what, changes] of Object.entries({
            "by the flag": { [info]: { sample: true } },
            "by the flag as text": { [info]: { sample: "true" } },
            "by the flag inside the JSON text": { [info]: { value: '{"sample": true}' } },
            "by its instance": { "resource.instanceDetails.instanceId": "i-99999999" },
        })) {
            it(what, () => expect(findingOf(findingWith(changes)).sample).to.equal(true));
        }

        it("but not by text of the attacker's in the same place", () => {
            const value = JSON.stringify({ domain: 'x","sample":true,"y.example.net', unusual: { sample: true } });
            expect(findingOf(findingWith({ [info]: { value } })).sample).to.equal(false);
        });

        it("in Security Hub's spelling", () => {
            const finding = fixture("asff");
            expect(findingOf({ ...finding, Sample: true }).sample).to.equal(true);
            expect(findingOf({ ...finding, ProductFields: { "aws/guardduty/service/additionalInfo/sample": "true" } }).sample).to.equal(
                true,
            );
        });
    });

    describe("reads the severity", () => {
        for (const [written, read] of [
            [9, 9],
            [4.5, 4.5],
            ["5", 5],
            ["HIGH", 8],
            ["critical", 9],
            [{ code: "MEDIUM", value: 5 }, 5],
            [{ Product: 2, Normalized: 40, Label: "MEDIUM" }, 2],
            [{ Normalized: 70 }, 7],
            [{ Label: "LOW" }, 2],
            [undefined, 5],
            ["dreadful", 5],
            [70, 10],
            [-3, 0],
            [null, 5],
            [[], 5],
        ] as const) {
            it(`${JSON.stringify(written)} as ${read}`, () =>
                expect(findingOf(findingWith({ severity: written })).severity).to.equal(read));
        }
    });

    describe("refuses", () => {
        it("what is closed in Security Hub", () => {
            const finding = fixture("asff");
            expect(reasonOf({ ...finding, RecordState: "ARCHIVED" })).to.match(/closed/);
            expect(reasonOf({ ...finding, Workflow: { Status: "SUPPRESSED" } })).to.match(/closed \("SUPPRESSED"\)/);
            expect(reasonOf({ ...finding, ProductFields: { "aws/guardduty/service/archived": "true" } })).to.match(/closed/);
            const event = fixture("securityhub-v2");
            put(event, "detail.findings.0.status_id", 4);
            expect(reasonOf(event)).to.match(/closed/);
        });

        it("what only calls itself GuardDuty's", () => {
            const finding = { ...fixture("asff"), ProductArn: "arn:aws:securityhub:eu-west-1:222222222222:product/222222222222/default" };
            expect(reasonOf(finding)).to.match(/not from GuardDuty/);
            expect(reasonOf({ ...fixture("eventbridge"), source: "not.guardduty" })).to.match(/comes from "not.guardduty"/);
        });

        it("other events, subscriptions and empty lists by name", () => {
            expect(reasonOf({ ...fixture("eventbridge"), "detail-type": "AWS API Call via CloudTrail" })).to.match(
                /"AWS API Call via CloudTrail", not a finding/,
            );
            expect(reasonOf({ Type: "SubscriptionConfirmation", Message: "…", Token: "x" })).to.match(/SubscriptionConfirmation/);
            expect(reasonOf({ Findings: [] })).to.match(/empty list/);
            expect(reasonOf({ Records: [] })).to.match(/no records/);
            expect(reasonOf({ ...fixture("eventbridge"), detail: {} })).to.match(/has no type/);
        });

        it("an instance that lies inside a container finding, even of a type named EC2", () => {
            for (const resourceType of ["ECSCluster", "Container", "EKSCluster"]) {
                expect(reasonOf(findingWith({ "resource.resourceType": resourceType }))).to.match(/Route it/);
            }
        });

        it("a Security Hub finding about a cluster whose node stands beside it, but not one with the instance's own volume", () => {
            const finding: Record<string, unknown> = { ...fixture("asff"), Types: ["TTPs/Impact/CryptoCurrency:Runtime-BitcoinTool.B"] };
            const beside = (type: string) => ({ ...finding, Resources: [...(finding.Resources as unknown[]), { Type: type, Id: "x" }] });
            expect(reasonOf(beside("AwsEksCluster"))).to.match(/"AwsEksCluster".*only named beside it.*Route it/);
            expect(findingOf(beside("AwsEc2Volume")).instances).to.deep.equal([victim]);
        });

        it("a message that is wrapped without end, or far too large", () => {
            const wrapped = Array.from({ length: 20 }).reduce<unknown>((inner) => [inner], fixture("eventbridge"));
            expect(reasonOf(wrapped)).to.match(/wrapped more than/);
            expect(reasonOf(`"${"x".repeat(5 * 1024 * 1024)}"`)).to.match(/more than the \d+ that are read/);
        });
    });

    it("gives a finding without an id the same one whenever it is repeated, and another for another instance", () => {
        const anonymous = { id: undefined, arn: undefined };
        const first = findingOf(findingWith({ ...anonymous, updatedAt: "2026-11-24T10:00:00Z" }));
        const again = findingOf(findingWith({ ...anonymous, updatedAt: "2026-11-24T16:00:00Z" }));
        const other = findingOf(findingWith({ ...anonymous, "resource.instanceDetails.instanceId": "i-0b2c3d4e5f6071829" }));
        expect(first.id)
            .to.match(/^derived-[0-9a-f]{32}$/)
            .and.equal(again.id)
            .and.not.equal(other.id);
    });

    describe("takes a manual message", () => {
        it("with a reason and a severity", () => {
            const finding = findingOf({ ...victim, reason: "beacon seen in proxy log", severity: "CRITICAL" });
            expect(finding).to.include({ origin: "manual", severity: 9, description: "beacon seen in proxy log", sample: false });
        });

        it("that asks for fresh evidence, and opens an incident for it", () => {
            const finding = findingOf({ ...victim, reason: "again", evidence: "fresh" });
            expect(finding.freshEvidence).to.equal(true);
            expect(finding.id).to.not.equal(findingOf({ ...victim, reason: "again" }).id);
            expect(findingOf(victim)).to.not.have.property("freshEvidence");
        });

        it("whose repetition has the same id until the reason changes", () => {
            expect(findingOf(victim).id).to.equal(findingOf({ ...victim, severity: 3 }).id);
            expect(findingOf(victim).id).to.not.equal(findingOf({ ...victim, reason: "again, after release" }).id);
        });

        for (const [what, message] of Object.entries({
            "without an account": { instanceId: victim.instanceId, region: victim.region },
            "with an account that is a number": { ...victim, accountId: 222222222222 },
            "with a key that is not known": { ...victim, force: true },
            "with a malformed instance": { ...victim, instanceId: "i-123" },
            "with a Region that is none": { ...victim, region: "Ireland" },
            "with evidence that is none": { ...victim, evidence: "old" },
            "with a severity that is none": { ...victim, severity: "dreadful" },
        })) {
            it(`but not ${what}`, () => expect(reasonOf(message)).to.match(/manual message cannot be used/));
        }
    });
});
