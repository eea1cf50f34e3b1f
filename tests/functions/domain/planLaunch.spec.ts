import { expect } from "chai";
import fc from "fast-check";
import { planLaunch } from "../../../functions/domain/planLaunch";

const text = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
const request = fc.record({
    incidentId: text,
    imageId: text,
    instanceType: text,
    subnetIds: fc.uniqueArray(text, { minLength: 1, maxLength: 6 }),
});

describe("planLaunch", () => {
    it("tries every subnet in order, the same way whenever it is asked", () => {
        fc.assert(
            fc.property(request, fc.nat(9), (one, generation) => {
                const plan = planLaunch(one, generation);
                expect(plan.map(({ subnetId }) => subnetId)).to.deep.equal(one.subnetIds);
                expect(planLaunch(one, generation)).to.deep.equal(plan);
                for (const { clientToken } of plan) expect(clientToken).to.match(/^[\x21-\x7e]{1,64}$/);
            }),
        );
    });

    it("gives no two requests that differ in anything the same token", () => {
        fc.assert(
            fc.property(request, request, fc.nat(9), fc.nat(9), (one, other, first, second) => {
                const tokens = [...planLaunch(one, first), ...planLaunch(other, second)];
                const different = new Set([
                    ...one.subnetIds.map((id) => JSON.stringify([one.incidentId, one.imageId, one.instanceType, id, first])),
                    ...other.subnetIds.map((id) => JSON.stringify([other.incidentId, other.imageId, other.instanceType, id, second])),
                ]);
                expect(new Set(tokens.map(({ clientToken }) => clientToken)).size).to.equal(different.size);
            }),
        );
    });
});
