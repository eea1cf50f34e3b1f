import { expect } from "chai";
import fc from "fast-check";
import { planTearDown } from "../../../functions/domain/planTearDown";

const victim = "i-0a1b2c3d4e5f60718";
const incidentId = `${victim}-0123456789abcdef`;
const account = "111111111111";
const instance = fc.record({
    instanceId: fc.constantFrom(victim, "i-00000000000000001", "i-00000000000000002"),
    ownerId: fc.constantFrom(account, "222222222222"),
    state: fc.constantFrom("pending", "running", "stopping", "stopped", "shutting-down", "terminated"),
});
const volume = fc.record({
    volumeId: fc.stringMatching(/^vol-[0-9a-f]{8}$/),
    state: fc.constantFrom("creating", "available", "in-use", "deleting", "deleted", "error"),
});

describe("planTearDown", () => {
    it("puts everything in exactly one place, and never condemns the victim or another account's instance", () => {
        fc.assert(
            fc.property(fc.array(instance), fc.array(volume), (instances, volumes) => {
                const plan = planTearDown(incidentId, account, instances, volumes);
                expect(
                    plan.terminate.length + plan.delete.length + plan.waitingFor.length + plan.refused.length + plan.gone.length,
                ).to.equal(instances.length + volumes.length);
                expect(plan.terminate).not.to.include(victim);
                for (const id of plan.terminate)
                    expect(instances.some((one) => one.instanceId === id && one.ownerId === account)).to.equal(true);
                for (const id of plan.delete)
                    expect(volumes.some((one) => one.volumeId === id && (one.state === "available" || one.state === "error"))).to.equal(
                        true,
                    );
            }),
        );
    });

    it("has nothing left exactly when all that is ours has ended", () => {
        fc.assert(
            fc.property(fc.array(instance), fc.array(volume), (instances, volumes) => {
                const plan = planTearDown(incidentId, account, instances, volumes);
                const ours = instances.filter(({ instanceId, ownerId }) => instanceId !== victim && ownerId === account);
                const ended = ours.every(({ state }) => state === "terminated") && volumes.every(({ state }) => state === "deleted");
                expect(plan.terminate.length + plan.delete.length + plan.waitingFor.length === 0).to.equal(ended);
            }),
        );
    });

    it("does not take an instance for the victim whose id the victim's merely begins like", () => {
        const [other] = [victim.slice(0, 10)];
        expect(planTearDown(incidentId, account, [{ instanceId: other, ownerId: account, state: "running" }], []).terminate).to.deep.equal([
            other,
        ]);
    });
});
