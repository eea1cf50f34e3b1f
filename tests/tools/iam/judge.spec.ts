import { expect } from "chai";
import type { Statement } from "../../../functions/aws/permissions";
import { steps } from "../../../infra/steps";
import exceptions from "../../../tools/iam/exceptions.json";
import { judge, type Exceptions, type Subject } from "../../../tools/iam/judge";
import { reachedBy } from "../../../tools/iam/reach";
import { subjects } from "../../../tools/iam/subjects";

const none: Exceptions = { granted: {}, reached: {}, everywhere: {} };
const allow = (Resource: string, ...Action: string[]): Statement => ({ Effect: "Allow", Action, Resource: [Resource] });
const key = "arn:aws:kms:eu-west-1:111111111111:key/a";

function role(statements: Statement[], needed: string[], elsewhere: Statement[] = []): Subject {
    return { role: "someFunction", statements, elsewhere, needed: new Set(needed) };
}
const problems = (subject: Subject, known: Exceptions = none) => judge([subject], known).problems;

describe("least privilege", () => {
    it("the program as it is: every grant is used, every call is granted, no resource is left open", function () {
        this.timeout(60_000);
        const { grants, problems: found } = judge(subjects(), exceptions);
        expect(found).to.deep.equal([]);
        expect(grants).to.be.greaterThan(300);
    });

    it("sees what a function's code can ask for, and not what it leaves behind", function () {
        this.timeout(20_000);
        const asked = reachedBy("tearDown").map(({ operation }) => operation);
        expect(asked).to.include.members(["TerminateInstances", "DeleteVolume", "DescribeVolumes"]);
        // Stands in a file that tearDown uses another part of.
        expect(asked).not.to.include("RunInstances");
        expect(Object.keys(steps)).to.include("tearDown");
    });

    it("names a grant that no code uses", () =>
        expect(problems(role([allow(key, "kms:Sign", "kms:GetPublicKey")], ["kms:Sign"]))[0]).to.contain(
            "someFunction is granted kms:GetPublicKey",
        ));

    it("names a call that nobody granted, unless another role of the same code may make it", () => {
        const sign = allow(key, "kms:Sign");
        expect(problems(role([sign], ["kms:Sign", "kms:GetPublicKey"]))).to.have.length(1);
        expect(problems(role([sign], ["kms:Sign", "kms:GetPublicKey"], [allow(key, "kms:GetPublicKey")]))).to.deep.equal([]);
    });

    it("takes a denied action for no grant", () =>
        expect(problems(role([{ ...allow(key, "kms:Sign"), Effect: "Deny" }], ["kms:Sign"]))[0]).to.contain("can ask for kms:Sign"));

    it("names an action that is left open on every resource, and one that is granted on a resource it does not take", () => {
        expect(problems(role([allow("*", "ec2:DescribeVolumeAttribute")], ["ec2:DescribeVolumeAttribute"]))[0]).to.contain(
            "AWS can limit it",
        );
        expect(problems(role([allow("*", "ec2:DescribeVolumes")], ["ec2:DescribeVolumes"]))).to.deep.equal([]);
        const machine = "arn:aws:states:eu-west-1:111111111111:stateMachine:clean-room-incident";
        expect(problems(role([allow(machine, "states:SendTaskSuccess")], ["states:SendTaskSuccess"]))[0]).to.contain(
            "no resource in AWS's reference",
        );
    });

    it("names an exception that has become untrue", () => {
        const fine = role([allow(key, "kms:Sign")], ["kms:Sign"]);
        expect(problems(fine, { ...none, granted: { "kms:Sign": "why" } })[0]).to.contain("take the line out");
        expect(problems(fine, { ...none, reached: { someFunction: { "kms:Sign": "why" } } })[0]).to.contain("take the line out");
    });
});
