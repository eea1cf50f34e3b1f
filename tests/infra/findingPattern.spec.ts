import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { findingPattern, type FindingSource } from "../../infra/findingPattern";
import { passes } from "../../policies/lib/eventPattern";

type Event = Record<string, unknown>;
const fixture = (name: string) => JSON.parse(readFileSync(path.resolve(__dirname, `../fixtures/messages/${name}.json`), "utf8")) as Event;
const letsThrough = (sources: FindingSource[], event: Event, severity = 4) =>
    passes(findingPattern(severity, sources) as never, event as never);

/** A GuardDuty event about a resource. */
const guardDuty = (resource: object, severity = 8) => ({
    source: "aws.guardduty",
    "detail-type": "GuardDuty Finding",
    detail: { severity, resource },
});

describe("the pattern of GuardDuty's findings", () => {
    const through = (event: Event) => letsThrough(["guardduty"], event);

    for (const [what, resource] of [
        ["an instance", { resourceType: "Instance", instanceDetails: { instanceId: "i-0a1b2c3d4e5f60718" } }],
        ["an attack sequence", { resourceType: "AttackSequence" }],
        ["a task of ECS", { resourceType: "ECSCluster", ecsClusterDetails: {} }],
        ["a container", { resourceType: "Container" }],
        ["a node of EKS", { resourceType: "EKSCluster", instanceDetails: { instanceId: "i-0a1b2c3d4e5f60718" } }],
        [
            "an instance's credentials used elsewhere",
            { resourceType: "AccessKey", accessKeyDetails: { principalId: "AROAEXAMPLE:i-0a1b2c3d4e5f60718" } },
        ],
        [
            "a bucket that an instance's credentials read",
            { resourceType: "S3Bucket", accessKeyDetails: { principalId: "AROAEXAMPLE:i-0a1b2c3d4e5f60718" } },
        ],
    ] as const)
        it(`lets ${what} through`, () => expect(through(guardDuty(resource))).to.equal(true));

    for (const [what, resource] of [
        ["a user's key", { resourceType: "AccessKey", accessKeyDetails: { principalId: "AIDAEXAMPLE" } }],
        ["a session of a person's", { resourceType: "AccessKey", accessKeyDetails: { principalId: "AROAEXAMPLE:mallory" } }],
        ["a bucket", { resourceType: "S3Bucket" }],
        ["a cluster of EKS as such", { resourceType: "EKSCluster" }],
        ["a database", { resourceType: "RDSDBInstance" }],
    ] as const)
        it(`leaves ${what} to others`, () => expect(through(guardDuty(resource))).to.equal(false));

    it("leaves out what is slighter than the minimum, and every other source", () => {
        expect(through(guardDuty({ resourceType: "Instance" }, 3.9))).to.equal(false);
        expect(through(guardDuty({ resourceType: "Instance" }, 4))).to.equal(true);
        expect(through(fixture("securityhub-imported"))).to.equal(false);
        expect(through({ ...guardDuty({ resourceType: "Instance" }), source: "com.example" })).to.equal(false);
    });
});

describe("the pattern with Security Hub as a source", () => {
    const through = (event: Event, severity?: number) => letsThrough(["guardduty", "securityhub"], event, severity);
    const finding = (change: object = {}) => ({
        Resources: [
            { Type: "AwsS3Bucket", Id: "arn:aws:s3:::logs" },
            { Type: "Other", Id: "arn:aws:ec2:eu-west-1:222222222222:instance/i-0a1b2c3d4e5f60718" },
        ],
        Severity: { Label: "HIGH", Normalized: 70 },
        Types: ["TTPs/Command and Control/Backdoor:EC2-C&CActivity.B!DNS"],
        ...change,
    });
    const imported = (change: object = {}) => ({
        source: "aws.securityhub",
        "detail-type": "Security Hub Findings - Imported",
        detail: { findings: [finding(change)] },
    });

    it("lets imported findings through that name an instance, whatever type they file it under", () => {
        expect(through(imported())).to.equal(true);
        expect(through(imported({ Resources: [{ Type: "AwsEc2Instance", Id: "i-0a1b2c3d4e5f60718" }] }))).to.equal(true);
        expect(through(imported({ Resources: [{ Type: "AwsS3Bucket", Id: "arn:aws:s3:::logs" }] }))).to.equal(false);
        for (const name of ["securityhub-imported", "securityhub-v2", "securityhub-custom-action"])
            expect(through(fixture(name)), name).to.equal(true);
    });

    it("lets an instance's credentials through that somebody else used: such a finding names the key and the session, and no instance", () => {
        const key = (PrincipalId: string) =>
            imported({
                Resources: [
                    { Type: "AwsIamAccessKey", Id: "AWS::IAM::AccessKey:ASIAEXAMPLE", Details: { AwsIamAccessKey: { PrincipalId } } },
                ],
            });
        expect(letsThrough(["securityhub"], key("AROAEXAMPLE:i-0a1b2c3d4e5f60718"))).to.equal(true);
        expect(letsThrough(["securityhub"], key("AROAEXAMPLE:mallory"))).to.equal(false);
    });

    it("leaves out slight ones and controls, which are settings to mend", () => {
        expect(through(imported({ Severity: { Normalized: 39 } }))).to.equal(false);
        expect(through(imported({ Compliance: { Status: "FAILED" } }))).to.equal(false);
        expect(through(fixture("securityhub-control"))).to.equal(false);
        expect(through(fixture("securityhub-v2"), 9)).to.equal(false);
    });

    it("lets through what somebody chose, however slight", () => {
        expect(through({ ...imported({ Severity: { Normalized: 0 } }), "detail-type": "Security Hub Findings - Custom Action" })).to.equal(
            true,
        );
    });

    it("still lets GuardDuty's own through, and can do without", () => {
        expect(through(fixture("eventbridge"))).to.equal(true);
        expect(letsThrough(["securityhub"], fixture("eventbridge"))).to.equal(false);
    });
});
