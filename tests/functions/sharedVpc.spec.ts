import { expect } from "chai";
import { handler as isolate } from "../../functions/isolateInstance";
import { handler as releaseHandler } from "../../functions/releaseInstance";
import { memberStatements } from "../../infra/steps";
import { parseSettings } from "../../infra/config";
import type { Containment, Release } from "../../functions/domain/containers";
import { MemberAccount } from "../support/memberAccount";
import { incident } from "./inMemoryAws";

const [owner, member] = ["999999999999", incident.instance.accountId];
const arn = (account: string, resource: string) => `arn:aws:ec2:eu-west-1:${account}:${resource}`;

/**
 * A VPC that another account shares (AWS RAM): VPC, subnets, network ACLs and perhaps the groups before are the owner's; interfaces and
 * the groups that we make are the member's. Participants may make groups, and may not change network ACLs.
 * https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing-share-subnet-working-with.html
 */
describe("an instance in a VPC that another account shares", () => {
    const statements = memberStatements({
        settings: parseSettings({ forensics: { accountId: "111111111111" }, regions: ["eu-west-1"], members: [{ accountId: member }] }),
        partition: "aws",
        accountId: member,
        evidenceKeyArns: ["arn:aws:kms:eu-west-1:111111111111:key/evidence"],
    });
    const matches = (pattern: string, text: string) =>
        new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`).test(text);
    const mayOn = (action: string, resource: string) =>
        statements.some(
            ({ Effect, Action, Resource }) =>
                Effect === "Allow" && Action.includes(action) && Resource.some((each) => matches(each, resource)),
        );

    it("is within what the responder role may do: the VPC and the groups before have the owner's ARN", () => {
        expect(mayOn("ec2:CreateSecurityGroup", arn(owner, "vpc/vpc-1"))).to.equal(true);
        expect(mayOn("ec2:CreateSecurityGroup", arn(member, "security-group/sg-1"))).to.equal(true);
        for (const resource of [
            arn(owner, "security-group/sg-app"),
            arn(member, "security-group/sg-1"),
            arn(member, "network-interface/eni-1"),
        ])
            expect(mayOn("ec2:ModifyNetworkInterfaceAttribute", resource), resource).to.equal(true);
        // And no more than that of the owner's: neither its groups' rules nor its groups.
        for (const action of ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress", "ec2:DeleteSecurityGroup"])
            expect(mayOn(action, arn(owner, "security-group/sg-app")), action).to.equal(false);
    });

    describe("with the member's own rights", () => {
        let account: MemberAccount;
        beforeEach(() => {
            account = new MemberAccount(incident);
            account.install({ CONTAIN_NETWORK: "nacl" });
            account.refusals.set("CreateNetworkAcl", "UnauthorizedOperation");
            // A group of ours by name and tag that the owner, or whoever acts there, has made.
            account.ec2.vpc.groups.push({
                GroupId: "sg-owner",
                GroupName: "clean-room-isolation",
                VpcId: "vpc-1",
                OwnerId: owner,
                Tags: [{ Key: "clean-room:role", Value: "isolation" }],
                ingress: [],
                egress: [],
            } as (typeof account.ec2.vpc.groups)[number]);
        });
        afterEach(() => account.remove());

        it("is contained by groups of the member's, says that the subnets are not cut, and is released", async () => {
            const before = account.snapshot();
            const { contained, steps } = (await isolate({ incident })) as Containment;
            expect(contained).to.equal(true);
            expect(account.interfaces.every(({ groups }) => groups.length === 1 && groups[0] !== "sg-owner")).to.equal(true);
            expect(steps.filter(({ outcome }) => outcome === "failed").map(({ name }) => name)).to.deep.equal(["isolationNetworkAcl"]);
            const { released } = (await releaseHandler({ incidentId: incident.incidentId, acceptRisk: "a test" })) as Release;
            expect(released).to.equal(true);
            expect(account.snapshot()).to.deep.equal(before);
            expect(account.ec2.vpc.groups.map(({ GroupId }) => GroupId)).to.deep.equal(["sg-owner"]);
        });

        it("is not contained by a group of the owner's when the member may make none", async () => {
            account.refusals.set("CreateSecurityGroup", "UnauthorizedOperation");
            const error = await isolate({ incident }).then(
                () => null,
                (thrown: Error) => thrown,
            );
            expect(error?.message).to.contain("NOT contained");
            expect(account.interfaces.flatMap(({ groups }) => groups)).to.not.include("sg-owner");
        });
    });
});
