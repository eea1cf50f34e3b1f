import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { isolationGroupHasNoRules } from "./isolationGroupHasNoRules";
import { judge, unknownString, type Declared } from "./testing/engine";

const tags = { "clean-room:role": "isolation" };
const group: Declared = { is: aws.ec2.SecurityGroup, name: "quarantine", props: { ingress: [], egress: [], tags, id: unknownString } };
const violations = async (...stack: Declared[]): Promise<string[]> => (await judge(isolationGroupHasNoRules, stack)).violations;

describe("policy isolation-group-has-no-rules", () => {
    it("accepts a group without rules", async () => {
        expect(await judge(isolationGroupHasNoRules, [group])).to.deep.equal({ violations: [], deferred: [] });
    });

    const rules: Record<string, object> = {
        "an IPv4 range": { protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["10.0.0.0/8"] },
        "an IPv6 range": { protocol: "-1", fromPort: 0, toPort: 0, ipv6CidrBlocks: ["::/0"] },
        "a prefix list": { protocol: "tcp", fromPort: 443, toPort: 443, prefixListIds: [unknownString] },
        "another group": { protocol: "-1", fromPort: 0, toPort: 0, securityGroups: [unknownString] },
        itself: { protocol: "-1", fromPort: 0, toPort: 0, self: true },
    };
    for (const [what, rule] of Object.entries(rules)) {
        for (const direction of ["ingress", "egress"]) {
            it(`refuses inline ${direction} for ${what}`, async () => {
                const [violation, ...others] = await violations({ ...group, props: { ...group.props, [direction]: [rule] } });
                expect(others).to.be.empty;
                expect(violation)
                    .to.include(`Security group "quarantine" has the ${direction} rule`)
                    .and.to.include(`write "${direction}: []"`);
            });
        }
    }

    it("refuses rules that are not known at preview, as a list and one by one", async () => {
        expect(await violations({ ...group, props: { tags, ingress: unknownString, egress: [unknownString] } })).to.have.length(2);
    });

    for (const is of [aws.vpc.SecurityGroupIngressRule, aws.vpc.SecurityGroupEgressRule, aws.ec2.SecurityGroupRule]) {
        it(`refuses a separate ${is.name} while the group's id is unknown`, async () => {
            const rule: Declared = {
                is,
                name: "agent",
                props: { securityGroupId: unknownString, ipProtocol: "-1", cidrIpv6: "::/0" },
                refs: { securityGroupId: ["quarantine"] },
            };
            expect(await violations(group, rule)).to.deep.equal([
                `"agent" (${(is as unknown as { __pulumiType: string }).__pulumiType}) adds a rule to security group "quarantine". ` +
                    `An isolation group cuts a compromised instance off, so it must have no rule in either direction: remove "agent".`,
            ]);
        });
    }

    it("refuses a separate rule that names the group by a literal id", async () => {
        const known = { ...group, props: { ...group.props, id: "sg-1" } };
        expect(
            await violations(known, { is: aws.vpc.SecurityGroupEgressRule, name: "agent", props: { securityGroupId: "sg-1" } }),
        ).to.have.length(1);
    });

    it("recognises the group by its logical name, its name, and tags that are unknown", async () => {
        const open = { ingress: [rules["an IPv4 range"]], egress: [] };
        expect(await violations({ ...group, name: "eu-Isolation-group", props: open })).to.have.length(1);
        expect(await violations({ ...group, props: { ...open, name: "isolation" } })).to.have.length(1);
        expect(await violations({ ...group, name: "hosts", props: { ...open, namePrefix: "quarantine-" } })).to.have.length(1);
        expect(await violations({ ...group, name: "hosts", props: { ...open, tags: unknownString } })).to.have.length(1);
    });

    it("refuses a group that does not write its empty lists, which alone are enforced", async () => {
        expect((await violations({ ...group, props: { tags, ingress: [] } })).join()).to.include(`write "egress: []"`);
        expect(await violations({ ...group, is: aws.ec2.DefaultSecurityGroup, props: { tags } })).to.be.empty;
    });

    it("refuses an exclusive list of rules, and a rule that says so of a group it only names", async () => {
        const exclusive = (ids: string[]): Declared => ({
            is: aws.ec2.VpcSecurityGroupRulesExclusive,
            name: "exclusive",
            props: { ingressRuleIds: ids, egressRuleIds: [] },
            refs: { securityGroupId: ["quarantine"] },
        });
        expect(await violations(group, exclusive(["sgr-1"]))).to.have.length(1);
        expect(await violations(group, exclusive([]))).to.be.empty;
        const rule = (description: string): Declared => ({
            is: aws.ec2.SecurityGroupRule,
            name: "agent",
            props: { securityGroupId: "sg-1", type: "egress", description },
        });
        expect(await violations(rule("Agent of isolated hosts"))).to.have.length(1);
        expect(await violations(rule("HTTPS of the tools"))).to.be.empty;
    });

    it("refuses to ignore changes of the rules", async () => {
        const messages = await violations({
            ...group,
            ignoreChanges: ["ingress", "tags", "*", '["egress"]', "egress[0].cidrBlocks", "egressOfOthers"],
        });
        expect(messages).to.have.length(4);
        expect(messages[0]).to.include(`ignores changes of "ingress"`);
    });

    it("leaves other groups and their rules alone", async () => {
        const endpoints: Declared = {
            is: aws.ec2.SecurityGroup,
            name: "endpoints",
            props: { ingress: [rules["an IPv4 range"]], tags: {} },
        };
        const rule: Declared = {
            is: aws.vpc.SecurityGroupIngressRule,
            name: "https",
            props: {},
            refs: { securityGroupId: ["endpoints"], referencedSecurityGroupId: ["quarantine"] },
        };
        expect(await violations(group, endpoints, rule)).to.be.empty;
    });
});
