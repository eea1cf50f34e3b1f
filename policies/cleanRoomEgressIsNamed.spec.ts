import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { cleanRoomEgressIsNamed } from "./cleanRoomEgressIsNamed";
import { judge, unknownString, type Declared } from "./testing/engine";

const vpc = (role: string): Declared => ({ is: aws.ec2.Vpc, name: "vpc", props: { tags: { "clean-room:role": role } } });
const group = (egress: unknown): Declared => ({
    is: aws.ec2.SecurityGroup,
    name: "forensic",
    props: { ingress: [], egress },
    refs: { vpcId: ["vpc"] },
});
const rule = (is: Declared["is"], props: object, refs = {}): Declared => ({
    is,
    name: "rule",
    props,
    refs: { securityGroupId: ["forensic"], ...refs },
});
const list = (...cidrs: string[]): Declared => ({
    is: aws.ec2.ManagedPrefixList,
    name: "list",
    props: { entries: cidrs.map((cidr) => ({ cidr })) },
});
const violations = async (...stack: Declared[]): Promise<string[]> => (await judge(cleanRoomEgressIsNamed, stack)).violations;

describe("policy clean-room-egress-is-named", () => {
    it("accepts groups and prefix lists, inline and by rules of their own, and any ingress", async () => {
        expect(
            await violations(
                vpc("clean-room"),
                group([
                    { protocol: "tcp", securityGroups: [unknownString] },
                    { protocol: "tcp", prefixListIds: [unknownString], cidrBlocks: [] },
                ]),
            ),
        ).to.be.empty;
        expect(
            await violations(
                vpc("clean-room"),
                group([]),
                rule(aws.vpc.SecurityGroupEgressRule, { referencedSecurityGroupId: unknownString }),
            ),
        ).to.be.empty;
        expect(
            await violations(
                vpc("clean-room"),
                group([]),
                list("10.1.0.0/16"),
                rule(aws.vpc.SecurityGroupEgressRule, { prefixListId: unknownString }, { prefixListId: ["list"] }),
            ),
        ).to.be.empty;
        expect(
            await violations(
                vpc("clean-room"),
                group([]),
                rule(aws.ec2.SecurityGroupRule, { type: "ingress", cidrBlocks: ["10.0.0.0/8"] }),
            ),
        ).to.be.empty;
    });

    it("refuses ranges, however they are written", async () => {
        expect(await violations(vpc("clean-room"), group([{ protocol: "-1", cidrBlocks: ["0.0.0.0/0"] }]))).to.have.length(1);
        expect(await violations(vpc("clean-room"), group([{ protocol: "-1", ipv6CidrBlocks: ["::/0"] }]))).to.have.length(1);
        expect(await violations(vpc("clean-room"), group(unknownString))).to.have.length(1);
        expect(
            await violations(vpc("clean-room"), group([]), rule(aws.vpc.SecurityGroupEgressRule, { cidrIpv4: "10.0.0.0/8" })),
        ).to.have.length(1);
        expect(
            await violations(vpc("clean-room"), group([]), rule(aws.vpc.SecurityGroupEgressRule, { cidrIpv6: unknownString })),
        ).to.have.length(1);
        expect(
            await violations(vpc("clean-room"), group([]), rule(aws.ec2.SecurityGroupRule, { type: "egress", cidrBlocks: ["0.0.0.0/1"] })),
        ).to.have.length(1);
        const wide = [
            list("0.0.0.0/1", "128.0.0.0/1"),
            rule(aws.vpc.SecurityGroupEgressRule, { prefixListId: unknownString }, { prefixListId: ["list"] }),
        ];
        expect(await violations(vpc("clean-room"), group([]), ...wide)).to.have.length(1);
    });

    it("leaves the drill range its way out", async () => {
        expect(
            await violations(
                { ...vpc("drill-range"), provider: { allowedAccountIds: ["222222222222"] } },
                group([{ protocol: "-1", cidrBlocks: ["0.0.0.0/0"] }]),
            ),
        ).to.be.empty;
    });
});
