import { expect } from "chai";
import fc from "fast-check";
import { notNeeded, planContainment, uncontainedInterfaces } from "../../../functions/domain/planContainment";
import { planRelease } from "../../../functions/domain/planRelease";
import { deniedInstances } from "../../../functions/domain/planCredentialDeny";
import { arbitraryWorld, contain, isolation, isolationAcl, release, untrack, victimArn, type World } from "../../support/simulatedInstance";

const groups = { isolation, untrack, networkAcl: isolationAcl };
const imposed = { isolation, networkAcl: isolationAcl, othersContained: {} };
const actionsFor = (world: World) => planContainment(world.state, groups, "deny-instance").flat();
const contained = (world: World) => actionsFor(world).reduce(contain, world);
const released = (world: World, before: World) =>
    planRelease(before.state, world.state, imposed).actions.reduce((each, action) => release(each, action, before.state), world);

describe("containment and its undo", () => {
    it("leaves no interface open, whatever the instance", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                expect(uncontainedInterfaces(contained(world).state.interfaces, isolation)).to.deep.equal([]);
            }),
        );
    });

    it("release(contain(s)) is s", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const after = contained(world);
                expect(planRelease(world.state, after.state, imposed).conflicts).to.deep.equal([]);
                expect(released(after, world)).to.deep.equal(world);
            }),
        );
    });

    it("contain twice is contain once", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const once = contained(world);
                expect(contained(once)).to.deep.equal(once);
                const again = actionsFor(once).map((action) => action.kind);
                expect(again).to.deep.equal(world.state.instanceProfileArn ? ["denyCredentials"] : []);
            }),
        );
    });

    it("a crash after any single call, then a retry, ends in the same state", () => {
        fc.assert(
            fc.property(arbitraryWorld, fc.nat(40), (world, crash) => {
                const halfway = actionsFor(world).slice(0, crash).reduce(contain, world);
                expect(contained(halfway)).to.deep.equal(contained(world));
            }),
        );
    });

    it("a crashed release, retried, ends in the same state", () => {
        fc.assert(
            fc.property(arbitraryWorld, fc.nat(40), (world, crash) => {
                const after = contained(world);
                const halfway = planRelease(world.state, after.state, imposed)
                    .actions.slice(0, crash)
                    .reduce((each, action) => release(each, action, world.state), after);
                expect(released(halfway, world)).to.deep.equal(world);
            }),
        );
    });

    it("leaves the Auto Scaling group before anything else touches the instance", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const stages = planContainment(world.state, groups, "deny-instance");
                if (world.state.autoScaling) expect(stages[0]!.map((action) => action.kind)).to.deep.equal(["detachFromAutoScaling"]);
            }),
        );
    });

    it("denies the victim's credentials and leaves other incidents' parts alone, both ways", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const after = contained(world);
                const others = deniedInstances(world.denyPolicy);
                expect(deniedInstances(after.denyPolicy)).to.have.members(world.state.instanceProfileArn ? [...others, victimArn] : others);
                expect(deniedInstances(released(after, world).denyPolicy)).to.have.members(others);
            }),
        );
    });

    it("names what was changed since, and leaves that alone", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const after = contained(world);
                const meddled: World = {
                    ...after,
                    state: {
                        ...after.state,
                        interfaces: after.state.interfaces.map((each, index) =>
                            index === 0 ? { ...each, groups: ["sg-somebody"] } : each,
                        ),
                    },
                };
                const plan = planRelease(world.state, meddled.state, imposed);
                const id = after.state.interfaces[0]!.networkInterfaceId;
                expect(plan.conflicts.join()).to.contain(id);
                expect(plan.actions.some((action) => action.kind === "restoreGroups" && action.networkInterfaceId === id)).to.equal(false);
            }),
        );
    });

    it("touches no role when credentials are to be kept", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const kinds = planContainment(world.state, groups, "keep")
                    .flat()
                    .map((action) => action.kind);
                expect(kinds).to.not.include.members(["denyCredentials"]).and.not.include.members(["disableMetadata"]);
            }),
        );
    });

    it("shortens the idle timeout only where the type allows it, and never before the cut", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const stages = planContainment(world.state, groups, "deny-instance").map((stage) => stage.map((action) => action.kind));
                const cut = stages.findIndex((stage) => stage.includes("isolateInterface"));
                const extras = stages.findIndex((stage) => stage.includes("shortenIdleTimeout") || stage.includes("isolateSubnet"));
                if (extras >= 0) expect(extras).to.be.greaterThan(cut);
                for (const { tcpIdleTimeout } of contained(world).state.interfaces) expect(tcpIdleTimeout).to.be.oneOf([null, 60]);
            }),
        );
    });

    it("leaves network ACLs alone unless asked, both ways", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const without = planContainment(world.state, { ...groups, networkAcl: null }, "deny-instance")
                    .flat()
                    .reduce(contain, world);
                expect(without.state.networkAcls).to.deep.equal(world.state.networkAcls);
                const { actions, conflicts } = planRelease(world.state, without.state, { ...imposed, networkAcl: null });
                expect(conflicts).to.deep.equal([]);
                expect(actions.map(({ kind }) => kind)).to.not.include("restoreSubnet");
            }),
        );
    });

    it("keeps a subnet's network ACL while another contained instance stands in it", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const { subnetId } = world.state.networkAcls[0]!;
                const { actions, conflicts } = planRelease(world.state, contained(world).state, {
                    ...imposed,
                    othersContained: { [subnetId]: ["eni-other"] },
                });
                expect(conflicts.join()).to.contain("eni-other");
                expect(actions.some((action) => action.kind === "restoreSubnet" && action.subnetId === subnetId)).to.equal(false);
            }),
        );
    });

    it("does the rest when there is no isolation group", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const without = planContainment(world.state, { ...groups, isolation: null }, "deny-instance")
                    .flat()
                    .reduce(contain, world);
                expect({ ...without.state, interfaces: [] }).to.deep.equal({ ...contained(world).state, interfaces: [] });
                expect(uncontainedInterfaces(without.state.interfaces, null)).to.have.length(world.state.interfaces.length);
            }),
        );
    });

    it("says what a spot and an instance-store instance cannot be protected from", () => {
        fc.assert(
            fc.property(arbitraryWorld, ({ state }) => {
                expect(notNeeded(state).map(({ name }) => name)).to.deep.equal([
                    ...(state.lifecycle === "spot" ? ["protectSpot"] : []),
                    ...(state.rootDeviceType === "instance-store" ? ["keepInstanceStore"] : []),
                ]);
            }),
        );
    });

    it("takes the deny out of the recorded role although the instance has another one now", () => {
        fc.assert(
            fc.property(arbitraryWorld, (world) => {
                const swapped = { ...contained(world).state, instanceProfileArn: "arn:aws:iam::222222222222:instance-profile/other" };
                const { actions, conflicts } = planRelease(world.state, swapped, imposed);
                expect(conflicts.join()).to.contain("instance-profile/other");
                expect(actions.some(({ kind }) => kind === "allowCredentials")).to.equal(world.state.instanceProfileArn !== null);
            }),
        );
    });
});
