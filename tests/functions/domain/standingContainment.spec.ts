import { expect } from "chai";
import { completed, joinStanding, newStanding, type StandingContainment } from "../../../functions/domain/standingContainment";
import type { InstanceState } from "../../../functions/domain/instanceState";

const before: InstanceState = {
    schemaVersion: 1,
    instance: { instanceId: "i-0a1b2c3d4e5f60718", accountId: "222222222222", region: "eu-west-1" },
    readAt: "2026-11-24T10:00:00.000Z",
    state: "running",
    launchTime: null,
    vpcId: "vpc-1",
    availabilityZone: "eu-west-1a",
    lifecycle: "on-demand",
    rootDeviceType: "ebs",
    interfaces: [
        {
            networkInterfaceId: "eni-1",
            interfaceType: "interface",
            trunkId: null,
            subnetId: "subnet-a",
            privateIps: ["10.0.0.4"],
            ipv6: false,
            publicIps: [],
            groups: ["sg-app"],
            tcpIdleTimeout: null,
        } as InstanceState["interfaces"][number],
    ],
    volumes: [],
    terminationProtection: false,
    stopProtection: false,
    shutdownBehavior: "stop",
    metadataEndpoint: "enabled",
    instanceProfileArn: null,
    autoScaling: null,
    targets: [],
    classicLoadBalancers: [],
    networkAcls: [{ subnetId: "subnet-a", networkAclId: "acl-own" }],
    trackedPaths: [],
    unread: [],
};
const target = {
    targetGroupArn: "arn:aws:elasticloadbalancing:eu-west-1:222222222222:targetgroup/web/1",
    targetId: before.instance.instanceId,
    port: 80,
    networkLoadBalancer: false,
};
const now: InstanceState = {
    ...before,
    targets: [target],
    classicLoadBalancers: ["old-web"],
    interfaces: [{ ...before.interfaces[0]!, tcpIdleTimeout: 350 }],
};
const recordOf = (first: InstanceState) => completed(newStanding(first, "incident", null, first.readAt), first);

describe("a restore record whose first reading was refused in part", () => {
    it("gets what was not read when a later reading sees it, before it is changed", () => {
        const unread = [
            "the targets of 1 of 1 target groups (AccessDenied)",
            "the classic load balancers (AccessDenied)",
            "the instance type (UnauthorizedOperation)",
            "the route tables (UnauthorizedOperation)",
        ];
        const { record } = completed(recordOf({ ...before, unread }), now);
        expect(record.targets).to.deep.equal([target]);
        expect(record.classicLoadBalancers).to.deep.equal(["old-web"]);
        expect(record.interfaces[0]!.tcpIdleTimeout).to.equal(350);
        expect(record.unread).to.deep.equal(["the route tables (UnauthorizedOperation)"]);
    });

    it("keeps what was read: a registration that came later is not the owner's", () => {
        const standing = recordOf(before);
        expect(completed(standing, now)).to.equal(standing);
    });

    it("waits on where the later reading is refused too", () => {
        const unread = ["the target groups (Throttling)"];
        const standing = recordOf({ ...before, unread });
        expect(completed(standing, { ...now, unread }).record.targets).to.deep.equal([]);
    });
});

describe("what the table gets from a run that could not read it", () => {
    const open: StandingContainment = {
        ...recordOf(before),
        incidentIds: ["first"],
        roles: ["app"],
        groups: groupsOf("sg-one"),
        revision: 7,
    };
    const contained = { ...before, interfaces: [{ ...before.interfaces[0]!, groups: ["sg-one"] }], terminationProtection: true };
    const blind: StandingContainment = {
        ...newStanding(contained, "second", null, "2026-11-24T12:00:00.000Z"),
        roles: ["other"],
        groups: groupsOf("sg-two"),
    };

    function groupsOf(isolation: string): StandingContainment["groups"] {
        return { isolation, untrack: null, networkAcl: null };
    }

    it("keeps the owner's record, and knows of what the run made and denied", () => {
        const joined = joinStanding(open, blind);
        expect(joined.record).to.deep.equal(open.record);
        expect(joined.incidentIds).to.deep.equal(["first", "second"]);
        expect(joined.groups.isolation).to.equal("sg-two");
        expect(joined.formerGroups).to.deep.equal(["sg-one"]);
        expect(joined.roles).to.deep.equal(["app", "other"]);
    });

    it("is the run's own where nothing stood, or where what stood was released before", () => {
        expect(joinStanding(null, blind)).to.deep.equal(blind);
        expect(joinStanding({ ...open, releasedAt: "2026-11-24T11:00:00.000Z" }, blind)).to.deep.equal(blind);
    });

    it("is the run's own where it had begun to write it", () => {
        expect(joinStanding({ ...blind, groups: groupsOf("sg-one") }, blind)).to.deep.equal(blind);
    });
});
