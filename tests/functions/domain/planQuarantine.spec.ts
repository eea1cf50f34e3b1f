import { expect } from "chai";
import fc from "fast-check";
import { planContainment, uncontainedInterfaces } from "../../../functions/domain/planContainment";
import {
    addDenied,
    addQuarantined,
    agentCalls,
    deniedInstances,
    isForeign,
    quarantinedInstances,
    removeDenied,
} from "../../../functions/domain/planCredentialDeny";
import { planRelease } from "../../../functions/domain/planRelease";
import {
    chooseEndpoints,
    endpointsRefuse,
    openInterfaces,
    planQuarantine,
    servesAsQuarantine,
} from "../../../functions/domain/planQuarantine";
import {
    arbitraryWorld,
    contain,
    isolation,
    isolationAcl,
    quarantine,
    release,
    untrack,
    victimArn,
    type World,
} from "../../support/simulatedInstance";

const groups = { isolation, untrack, quarantine };
const quarantining = (world: World) => planQuarantine(world.state, groups, "deny-instance").flat();
const quarantined = (world: World) => quarantining(world).reduce(contain, world);
const cutting = (world: World) => planContainment(world.state, { isolation, untrack, networkAcl: isolationAcl }, "deny-instance").flat();
const contained = (world: World) => cutting(world).reduce(contain, world);

describe("planQuarantine", () => {
    it("leaves every interface one way out, and the agent its calls", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const after = quarantined(world);
                expect(openInterfaces(after.state.interfaces, groups)).to.deep.equal([]);
                expect(deniedInstances(after.denyPolicy)).to.deep.equal(deniedInstances(world.denyPolicy));
                expect(quarantinedInstances(after.denyPolicy)).to.deep.equal(world.state.instanceProfileArn ? [victimArn] : []);
                expect(after.state.metadataEndpoint).to.equal(world.state.metadataEndpoint);
            }),
        );
    });

    it("ends, with the last cut, as containment alone does: whatever crashed in it, and wherever the cut was begun", () => {
        fc.assert(
            fc.property(arbitraryWorld, fc.nat(40), fc.nat(40), (world, crash, again) => {
                const halfway = quarantining(world).slice(0, crash).reduce(contain, world);
                const retried = quarantining(halfway).slice(0, again).reduce(contain, halfway);
                const partly = cutting(retried).slice(0, again).reduce(contain, retried);
                for (const each of [halfway, retried, partly]) expect(contained(each)).to.deep.equal(contained(world));
            }),
        );
    });

    it("never opens what the last cut closed", () => {
        fc.assert(
            fc.property(arbitraryWorld, fc.nat(40), (world, crash) => {
                const cut = cutting(world).slice(0, crash).reduce(contain, world);
                const after = quarantined(cut);
                const isIsolated = ({ state }: World) => state.interfaces.filter((each) => each.groups.join() === isolation).length;
                expect(isIsolated(after)).to.be.at.least(isIsolated(cut));
                expect(deniedInstances(after.denyPolicy)).to.deep.equal(deniedInstances(cut.denyPolicy));
                expect(quarantined(contained(world))).to.deep.equal(contained(world));
            }),
        );
    });

    it("is undone with the containment, whole or broken off", () => {
        fc.assert(
            fc.property(arbitraryWorld, fc.nat(40), (world, crash) => {
                const after = contained(quarantining(world).slice(0, crash).reduce(contain, world));
                const { actions, conflicts } = planRelease(world.state, after.state, {
                    isolation,
                    networkAcl: isolationAcl,
                    othersContained: {},
                });
                expect(conflicts).to.deep.equal([]);
                expect(actions.reduce((each, action) => release(each, action, world.state), after)).to.deep.equal(world);
            }),
        );
    });

    it("cuts no subnet, revokes no session, and touches no role that is to be kept", () => {
        fc.assert(
            fc.property(
                arbitraryWorld,
                fc.constantFrom("deny-instance" as const, "revoke-role" as const, "keep" as const),
                (world, mode) => {
                    const kinds = planQuarantine(world.state, groups, mode)
                        .flat()
                        .map(({ kind }) => kind);
                    expect(kinds).to.not.include("isolateSubnet").and.not.include("revokeRole");
                    if (mode === "keep") expect(kinds).to.not.include("denyCredentials");
                },
            ),
        );
    });

    it("leaves the network as it is where no group could be made, so that the cut follows at once", () => {
        fc.assert(
            fc.property(arbitraryWorld, ({ state }) => {
                const kinds = planQuarantine(state, { ...groups, quarantine: null }, "deny-instance").flat();
                expect(kinds.map(({ kind }) => kind)).to.not.include("isolateInterface");
                expect(uncontainedInterfaces(state.interfaces, isolation)).to.have.length(state.interfaces.length);
            }),
        );
    });
});

describe("the deny with the agent excepted", () => {
    const other = "arn:aws:ec2:eu-west-1:222222222222:instance/i-0other00000000000";

    it("denies everything but the agent's calls, in a statement of its own", () => {
        const policy = addQuarantined(addDenied(null, other), victimArn);
        const [contained, agent] = (JSON.parse(policy) as { Statement: Record<string, unknown>[] }).Statement;
        expect(contained).to.include({ Effect: "Deny", Action: "*" });
        expect(agent).to.deep.include({ Effect: "Deny", NotAction: [...agentCalls], Resource: "*" });
        expect(agent!.Condition).to.deep.equal({ ArnEquals: { "ec2:SourceInstanceARN": [victimArn] } });
        expect([deniedInstances(policy), quarantinedInstances(policy)]).to.deep.equal([[other], [victimArn]]);
    });

    it("ends with the full deny, and with the release", () => {
        const policy = addQuarantined(addDenied(null, other), victimArn);
        expect(quarantinedInstances(addDenied(policy, victimArn))).to.deep.equal([]);
        expect(addQuarantined(addDenied(policy, victimArn), victimArn)).to.equal(addDenied(policy, victimArn));
        expect(removeDenied(policy, victimArn)).to.equal(addDenied(null, other));
        expect(removeDenied(addQuarantined(null, victimArn), victimArn)).to.equal(null);
    });

    it("is somebody else's when a call was added to its exceptions", () => {
        const policy = addQuarantined(null, victimArn);
        expect(isForeign(policy)).to.equal(false);
        expect(isForeign(policy.replace(`"ec2messages:*"`, `"ec2messages:*","s3:*"`))).to.equal(true);
        expect(isForeign(policy.replace(`"ec2messages:*"`, `"s3:*"`))).to.equal(true);
    });
});

describe("the way to Systems Manager", () => {
    const endpoint = (service: string, more: object = {}) => ({
        VpcEndpointId: `vpce-${service}`,
        VpcId: "vpc-1",
        ServiceName: `com.amazonaws.eu-west-1.${service}`,
        State: "available",
        PrivateDnsEnabled: true,
        Groups: [{ GroupId: `sg-${service}` }],
        ...more,
    });
    const both = [endpoint("ssm"), endpoint("ssmmessages")];

    it("goes through the VPC's own endpoints, and their groups alone", () => {
        expect(chooseEndpoints([...both, endpoint("s3")], "vpc-1", "eu-west-1")).to.deep.equal({
            endpoints: ["vpce-ssm", "vpce-ssmmessages"],
            groups: ["sg-ssm", "sg-ssmmessages"],
        });
    });

    for (const [what, endpoints] of [
        ["one of them is missing", [endpoint("ssm")]],
        ["one is not available", [endpoint("ssm"), endpoint("ssmmessages", { State: "pending" })]],
        ["one has no private DNS", [endpoint("ssm"), endpoint("ssmmessages", { PrivateDnsEnabled: false })]],
        ["one stands in another VPC", [endpoint("ssm"), endpoint("ssmmessages", { VpcId: "vpc-2" })]],
        [
            "one is somebody's service of a like name",
            [endpoint("ssm"), endpoint("ssmmessages", { ServiceName: "com.amazonaws.vpce.eu-west-1.vpce-svc-1.ssmmessages" })],
        ],
    ] as const)
        it(`is not there when ${what}`, () => {
            const choice = chooseEndpoints(endpoints, "vpc-1", "eu-west-1");
            expect("why" in choice && choice.why).to.contain("ssmmessages");
        });

    it("is closed where the endpoints let in only groups that the instance is about to lose", () => {
        const by = (rule: object) => [{ GroupId: "sg-ssm", IpPermissions: [{ IpProtocol: "tcp", FromPort: 443, ToPort: 443, ...rule }] }];
        expect(endpointsRefuse(by({ IpRanges: [{ CidrIp: "10.0.0.0/16" }] }), ["10.0.0.4"])).to.equal(null);
        expect(endpointsRefuse(by({ PrefixListIds: [{ PrefixListId: "pl-1" }] }), ["10.0.0.4"])).to.equal(null);
        expect(endpointsRefuse(by({ UserIdGroupPairs: [{ GroupId: "sg-app" }] }), ["10.0.0.4"])).to.contain("sg-ssm");
        expect(endpointsRefuse(by({ IpRanges: [{ CidrIp: "10.1.0.0/16" }] }), ["10.0.0.4"])).to.contain("sg-ssm");
        expect(endpointsRefuse(by({ FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: "10.0.0.0/16" }] }), ["10.0.0.4"])).to.contain("sg-ssm");
    });

    it("is a group's only with exactly its rules", () => {
        const to = (...ids: string[]) => ({
            IpProtocol: "tcp",
            FromPort: 443,
            ToPort: 443,
            UserIdGroupPairs: ids.map((GroupId) => ({ GroupId })),
        });
        expect(servesAsQuarantine({ IpPermissionsEgress: [to("sg-b", "sg-a")] }, ["sg-a", "sg-b"])).to.equal(true);
        expect(servesAsQuarantine({ IpPermissionsEgress: [to("sg-a"), to("sg-b")] }, ["sg-a", "sg-b"])).to.equal(true);
        for (const group of [
            {},
            { IpPermissionsEgress: [to("sg-a")] },
            { IpPermissionsEgress: [to("sg-a", "sg-b", "sg-c")] },
            { IpPermissionsEgress: [to("sg-a", "sg-b")], IpPermissions: [to("sg-a")] },
            { IpPermissionsEgress: [to("sg-a", "sg-b"), { IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] }] },
            { IpPermissionsEgress: [{ ...to("sg-a", "sg-b"), IpRanges: [{ CidrIp: "0.0.0.0/0" }] }] },
            { IpPermissionsEgress: [{ ...to("sg-a", "sg-b"), FromPort: 0 }] },
        ])
            expect(servesAsQuarantine(group, ["sg-a", "sg-b"]), JSON.stringify(group)).to.equal(false);
    });
});
