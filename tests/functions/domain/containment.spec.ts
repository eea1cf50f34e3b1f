import { expect } from "chai";
import fc from "fast-check";
import { planContainment, uncontainedInterfaces } from "../../../functions/domain/planContainment";
import { planRelease } from "../../../functions/domain/planRelease";
import { deniedInstances } from "../../../functions/domain/planCredentialDeny";
import { arbitraryWorld, contain, isolation, release, untrack, victimArn, type World } from "../../support/simulatedInstance";

const groups = { isolation, untrack };
const actionsFor = (world: World) => planContainment(world.state, groups, "deny-instance").flat();
const contained = (world: World) => actionsFor(world).reduce(contain, world);
const released = (world: World, before: World) => planRelease(before.state, world.state, isolation).actions.reduce((each, action) => release(each, action, before.state), world);

describe("containment and its undo", () => {
    it("leaves no interface open, whatever the instance", () => {
        fc.assert(fc.property(arbitraryWorld, (world) => {
            expect(uncontainedInterfaces(contained(world).state.interfaces, isolation)).to.deep.equal([]);
        }));
    });

    it("release(contain(s)) is s", () => {
        fc.assert(fc.property(arbitraryWorld, (world) => {
            const after = contained(world);
            expect(planRelease(world.state, after.state, isolation).conflicts).to.deep.equal([]);
            expect(released(after, world)).to.deep.equal(world);
        }));
    });

    it("contain twice is contain once", () => {
        fc.assert(fc.property(arbitraryWorld, (world) => {
            const once = contained(world);
            expect(contained(once)).to.deep.equal(once);
            const again = actionsFor(once).map((action) => action.kind);
            expect(again).to.deep.equal(world.state.instanceProfileArn ? ["denyCredentials"] : []);
        }));
    });

    it("a crash after any single call, then a retry, ends in the same state", () => {
        fc.assert(fc.property(arbitraryWorld, fc.nat(40), (world, crash) => {
            const halfway = actionsFor(world).slice(0, crash).reduce(contain, world);
            expect(contained(halfway)).to.deep.equal(contained(world));
        }));
    });

    it("a crashed release, retried, ends in the same state", () => {
        fc.assert(fc.property(arbitraryWorld, fc.nat(40), (world, crash) => {
            const after = contained(world);
            const halfway = planRelease(world.state, after.state, isolation).actions.slice(0, crash).reduce((each, action) => release(each, action, world.state), after);
            expect(released(halfway, world)).to.deep.equal(world);
        }));
    });

    it("leaves the Auto Scaling group before anything else touches the instance", () => {
        fc.assert(fc.property(arbitraryWorld, (world) => {
            const stages = planContainment(world.state, groups, "deny-instance");
            if (world.state.autoScaling) expect(stages[0]!.map((action) => action.kind)).to.deep.equal(["detachFromAutoScaling"]);
        }));
    });

    it("denies the victim's credentials and leaves other incidents' parts alone, both ways", () => {
        fc.assert(fc.property(arbitraryWorld, (world) => {
            const after = contained(world);
            const others = deniedInstances(world.denyPolicy);
            expect(deniedInstances(after.denyPolicy)).to.have.members(world.state.instanceProfileArn ? [...others, victimArn] : others);
            expect(deniedInstances(released(after, world).denyPolicy)).to.have.members(others);
        }));
    });

    it("names what was changed since, and leaves that alone", () => {
        fc.assert(fc.property(arbitraryWorld, (world) => {
            const after = contained(world);
            const meddled: World = { ...after, state: { ...after.state, interfaces: after.state.interfaces.map((each, index) => index === 0 ? { ...each, groups: ["sg-somebody"] } : each) } };
            const plan = planRelease(world.state, meddled.state, isolation);
            const id = after.state.interfaces[0]!.networkInterfaceId;
            expect(plan.conflicts.join()).to.contain(id);
            expect(plan.actions.some((action) => action.kind === "restoreGroups" && action.networkInterfaceId === id)).to.equal(false);
        }));
    });

    it("touches no role when credentials are to be kept", () => {
        fc.assert(fc.property(arbitraryWorld, (world) => {
            const kinds = planContainment(world.state, groups, "keep").flat().map((action) => action.kind);
            expect(kinds).to.not.include.members(["denyCredentials"]).and.not.include.members(["disableMetadata"]);
        }));
    });
});
